import { useState } from 'react';
import { Link, useLocation } from 'react-router';
import { anonymous } from '../api/client';
import { graphql } from '../api/graphql';
import { Brand } from '../ui/Brand';
import { ErrorNote } from '../ui/states';
import { useTitle } from '../ui/title';
import { useSession } from './SessionContext';

export const PROVE_EMAIL = graphql(/* GraphQL */ `
  mutation ProveEmail($token: String!) {
    proveEmail(token: $token) {
      email
    }
  }
`);

/**
 * The token is the address's fragment, which a browser sends to no server. It is used only after a click: whatever looks at the links of
 * a mail proves nothing.
 */
export function ProveEmailPage() {
  const token = useLocation().hash.slice(1);
  const { signIn } = useSession();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [proven, setProven] = useState<string | null>(null);
  useTitle('Confirm the e-mail address');
  const confirm = async () => {
    if (busy) return;
    setBusy(true);
    setFailure(null);
    try {
      const { proveEmail } = await anonymous(PROVE_EMAIL, { token });
      setProven(proveEmail.email ?? '');
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="entry">
      <div className="entry-card">
        <Brand />
        {proven === null ? (
          <>
            <h1>Confirm your e-mail address</h1>
            {failure === null ? null : <ErrorNote error={failure} />}
            {token === '' ? (
              <p>The link in the mail has more than this: open it as a whole.</p>
            ) : (
              <button
                type="button"
                className="button button-primary button-wide"
                onClick={() => void confirm()}
                disabled={busy}
              >
                {busy ? 'Confirming …' : 'Confirm'}
              </button>
            )}
            <p className="entry-other">
              <Link to="/sign-in">Sign in</Link>
            </p>
          </>
        ) : (
          <>
            <h1>{proven} is yours</h1>
            <p className="intro">You can sign in with it now.</p>
            <button type="button" className="button button-primary button-wide" onClick={() => signIn('/')}>
              Sign in
            </button>
          </>
        )}
      </div>
    </main>
  );
}
