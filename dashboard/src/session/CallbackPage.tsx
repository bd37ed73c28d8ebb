import { useEffect, useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { Brand } from '../ui/Brand';
import { Loading } from '../ui/states';
import { useTitle } from '../ui/title';
import { useSession } from './SessionContext';

/** Where Identity sends people back to, with a code or with an error. */
export function CallbackPage() {
  const { completeSignIn } = useSession();
  const navigate = useNavigate();
  const [failure, setFailure] = useState<string | null>(null);
  useTitle('Signing in');

  useEffect(() => {
    let gone = false;
    completeSignIn().then(
      (returnTo) => {
        if (!gone) void navigate(returnTo, { replace: true });
      },
      (error: unknown) => {
        if (!gone) setFailure(error instanceof Error ? error.message : 'Unknown error.');
      },
    );
    return () => {
      gone = true;
    };
  }, [completeSignIn, navigate]);

  return (
    <main className="entry">
      <div className="entry-card">
        <Brand />
        {failure === null ? (
          <Loading what="your session" />
        ) : (
          <>
            <div className="state state-error" role="alert">
              <div>
                <strong>Signing in did not finish</strong>
                <p>{failure}</p>
              </div>
            </div>
            <Link className="button button-primary button-wide" to="/sign-in">
              Try again
            </Link>
          </>
        )}
      </div>
    </main>
  );
}
