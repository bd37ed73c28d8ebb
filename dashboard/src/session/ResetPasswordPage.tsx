import { useState, type SyntheticEvent } from 'react';
import { Link, useLocation } from 'react-router';
import { anonymous } from '../api/client';
import { graphql } from '../api/graphql';
import { Brand } from '../ui/Brand';
import { Field } from '../ui/elements';
import { argumentOf, errorAt } from '../ui/errors';
import { ErrorNote } from '../ui/states';
import { useTitle } from '../ui/title';
import { MIN_PASSWORD_LENGTH } from './password';
import { useSession } from './SessionContext';

export const RESET_PASSWORD = graphql(/* GraphQL */ `
  mutation ResetPassword($newPassword: String!, $token: String!) {
    resetPassword(newPassword: $newPassword, token: $token) {
      userId
    }
  }
`);

/** The token is the address's fragment, which a browser sends to no server. Platform admins make such links. */
export function ResetPasswordPage() {
  const token = useLocation().hash.slice(1);
  const { signIn } = useSession();
  const [newPassword, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [done, setDone] = useState(false);
  useTitle('Reset the password');
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setFailure(null);
    try {
      await anonymous(RESET_PASSWORD, { newPassword, token });
      setDone(true);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  const refused = errorAt(failure, 'newPassword');
  return (
    <main className="entry">
      <div className="entry-card">
        <Brand />
        {done ? (
          <>
            <h1>Your password is set</h1>
            <p className="intro">All sessions have ended.</p>
            <button type="button" className="button button-primary button-wide" onClick={() => signIn('/')}>
              Sign in
            </button>
          </>
        ) : token === '' ? (
          <>
            <h1>Forgot the password?</h1>
            <p>
              Ask the operators of this installation: they make a link for your e-mail address, which is good once
              within an hour.
            </p>
            <p className="entry-other">
              <Link to="/sign-in">Back to signing in</Link>
            </p>
          </>
        ) : (
          <form onSubmit={submit} className="form">
            <h1>Set a new password</h1>
            {failure !== null && !(argumentOf(failure) !== null && refused) ? <ErrorNote error={failure} /> : null}
            <Field label="New password" error={refused} hint={`At least ${MIN_PASSWORD_LENGTH} characters.`}>
              {(props) => (
                <input
                  {...props}
                  type="password"
                  required
                  minLength={MIN_PASSWORD_LENGTH}
                  autoComplete="new-password"
                  value={newPassword}
                  onChange={(event) => setPassword(event.target.value)}
                />
              )}
            </Field>
            <button type="submit" className="button button-primary button-wide" disabled={busy}>
              {busy ? 'Setting …' : 'Set the password'}
            </button>
          </form>
        )}
      </div>
    </main>
  );
}
