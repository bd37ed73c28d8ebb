import { useState } from 'react';
import { Link, Navigate, useSearchParams } from 'react-router';
import { Brand } from '../ui/Brand';
import { useTitle } from '../ui/title';
import { localPath } from './GatewaySession';
import { useSession } from './SessionContext';

const NO_MEMBER = 'The account is not a member of the org.';
const NOT_COMPLETED = 'Sign-in was not completed, or took too long. Try again.';

export function SignInPage() {
  const { status, signIn } = useSession();
  const [params] = useSearchParams();
  const [busy, setBusy] = useState(false);
  useTitle('Sign in');

  const returnTo = localPath(params.get('returnTo') ?? '/');
  if (status === 'signed-in') return <Navigate to={returnTo} replace />;
  const failure = params.get('failure');

  return (
    <main className="entry">
      <div className="entry-card">
        <Brand />
        <h1>Usage metering and billing</h1>
        <p className="intro">Meter what your customers use, and see how every amount is calculated.</p>
        {status === 'ended' ? (
          <p role="status">Your session has ended. Sign in again to continue where you were.</p>
        ) : null}
        {failure !== null ? (
          <div className="state state-error" role="alert">
            <div>
              <strong>Sign-in failed</strong>
              <p>{failure === 'access_denied' ? NO_MEMBER : NOT_COMPLETED}</p>
            </div>
          </div>
        ) : null}
        <button
          type="button"
          className="button button-primary button-wide"
          onClick={() => {
            setBusy(true);
            signIn(returnTo);
          }}
          disabled={busy}
        >
          {busy ? 'Redirecting …' : 'Sign in'}
        </button>
        <p className="entry-other">
          New here? <Link to="/sign-up">Create an org</Link> · <Link to="/reset-password">Forgot the password?</Link>
        </p>
      </div>
    </main>
  );
}
