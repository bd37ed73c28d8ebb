import { useState, type SyntheticEvent } from 'react';
import { useLocation } from 'react-router';
import { anonymous } from '../api/client';
import type { AcceptInvitationMutation } from '../api/generated';
import { graphql } from '../api/graphql';
import { Brand } from '../ui/Brand';
import { Field } from '../ui/elements';
import { argumentOf, errorAt } from '../ui/errors';
import { Empty, ErrorNote } from '../ui/states';
import { useTitle } from '../ui/title';
import { MIN_PASSWORD_LENGTH } from './password';
import { useSession } from './SessionContext';

export const ACCEPT_INVITATION = graphql(/* GraphQL */ `
  mutation AcceptInvitation($input: AcceptInvitationInput!) {
    acceptInvitation(input: $input) {
      role
      org {
        name
      }
    }
  }
`);

/** The token is the address's fragment, which a browser sends to no server. */
export function AcceptInvitationPage() {
  const token = useLocation().hash.slice(1);
  const { signIn } = useSession();
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [accepted, setAccepted] = useState<AcceptInvitationMutation['acceptInvitation'] | null>(null);
  useTitle('Accept an invitation');
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setFailure(null);
    try {
      const answer = await anonymous(ACCEPT_INVITATION, { input: { token, password, code: code.trim() || null } });
      setAccepted(answer.acceptInvitation);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  const atField = ['password', 'code'].some((path) => errorAt(failure, path) !== null);
  return (
    <main className="entry">
      <div className="entry-card">
        <Brand />
        {accepted ? (
          <>
            <h1>Welcome to {accepted.org.name}</h1>
            <p className="intro">Your role is {accepted.role}.</p>
            <button type="button" className="button button-primary button-wide" onClick={() => signIn('/')}>
              Sign in
            </button>
          </>
        ) : token === '' ? (
          <>
            <h1>Accept an invitation</h1>
            <Empty title="The link is not complete">Open it as it was given to you.</Empty>
          </>
        ) : (
          <form onSubmit={submit} className="form">
            <h1>Accept the invitation</h1>
            <p className="intro">With the password of your account, or one for a new account.</p>
            {failure !== null && !(argumentOf(failure) !== null && atField) ? <ErrorNote error={failure} /> : null}
            <Field
              label="Password"
              error={errorAt(failure, 'password')}
              hint={`At least ${MIN_PASSWORD_LENGTH} characters.`}
            >
              {(props) => (
                <input
                  {...props}
                  type="password"
                  required
                  minLength={MIN_PASSWORD_LENGTH}
                  autoComplete="current-password"
                  value={password}
                  onChange={(event) => setPassword(event.target.value)}
                />
              )}
            </Field>
            <Field label="Code of the second factor" error={errorAt(failure, 'code')} hint="If your account has one.">
              {(props) => (
                <input
                  {...props}
                  autoComplete="one-time-code"
                  value={code}
                  onChange={(event) => setCode(event.target.value)}
                />
              )}
            </Field>
            <button type="submit" className="button button-primary button-wide" disabled={busy}>
              {busy ? 'Accepting …' : 'Accept'}
            </button>
          </form>
        )}
      </div>
    </main>
  );
}
