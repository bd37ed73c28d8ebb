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

const REQUEST_PASSWORD_RESET = graphql(/* GraphQL */ `
  mutation RequestPasswordReset($email: String!) {
    requestPasswordReset(email: $email)
  }
`);

/** The token is the address's fragment, which a browser sends to no server. Without one, a link can be asked for. */
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
          <AskForReset />
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

/** The answer is the same whether or not an account has the address. */
function AskForReset() {
  const [email, setEmail] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [asked, setAsked] = useState(false);
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setFailure(null);
    try {
      await anonymous(REQUEST_PASSWORD_RESET, { email });
      setAsked(true);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  const refused = errorAt(failure, 'email');
  return (
    <form onSubmit={submit} className="form">
      <h1>Forgot the password?</h1>
      {asked ? (
        <p role="status">
          If an account has the address {email}, a link is on its way. It is good once, within an hour.
        </p>
      ) : (
        <>
          {failure !== null && !(argumentOf(failure) !== null && refused) ? <ErrorNote error={failure} /> : null}
          <Field label="E-mail" error={refused} hint="A link to set a new password is mailed to it.">
            {(props) => (
              <input
                {...props}
                type="email"
                required
                autoComplete="username"
                value={email}
                onChange={(event) => setEmail(event.target.value)}
              />
            )}
          </Field>
          <button type="submit" className="button button-primary button-wide" disabled={busy}>
            {busy ? 'Sending …' : 'Send a link'}
          </button>
        </>
      )}
      <p className="entry-other">
        <Link to="/sign-in">Back to signing in</Link>
      </p>
    </form>
  );
}
