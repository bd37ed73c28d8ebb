import { useState } from 'react';
import { Link, Navigate, useSearchParams } from 'react-router';
import { Brand } from '../ui/Brand';
import { useTitle } from '../ui/title';
import { localPath } from './OidcSession';
import { useSession } from './SessionContext';

export function SignInPage() {
  const { status, signIn } = useSession();
  const [params] = useSearchParams();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  useTitle('Sign in');

  const returnTo = localPath(params.get('returnTo') ?? '/');
  if (status === 'signed-in') return <Navigate to={returnTo} replace />;

  const start = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await signIn(returnTo);
    } catch (error) {
      setFailure(error instanceof Error ? error.message : 'Identity cannot be reached.');
      setBusy(false);
    }
  };

  return (
    <main className="entry">
      <div className="entry-card">
        <Brand />
        <h1>Usage in. Correct invoices out.</h1>
        <p className="intro">Meter what your customers use, and see how every amount came about.</p>
        {status === 'ended' ? (
          <p role="status">Your session has ended. Sign in again to go on where you were.</p>
        ) : null}
        {failure ? (
          <div className="state state-error" role="alert">
            <div>
              <strong>Signing in did not start</strong>
              <p>{failure}</p>
            </div>
          </div>
        ) : null}
        <button type="button" className="button button-primary button-wide" onClick={start} disabled={busy}>
          {busy ? 'Going to the sign-in page …' : 'Sign in'}
        </button>
        <p className="entry-other">
          New here? <Link to="/sign-up">Create an org</Link>
        </p>
      </div>
    </main>
  );
}
