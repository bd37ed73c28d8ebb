import { useEffect, useMemo, useState, type ReactNode } from 'react';
import { SessionContext, type Session, type SessionState, type SessionStatus } from './SessionContext';

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  const [status, setStatus] = useState<SessionStatus>('loading');

  useEffect(() => {
    let gone = false;
    session.isSignedIn().then(
      (signedIn) => {
        if (!gone) setStatus(signedIn ? 'signed-in' : 'signed-out');
      },
      () => {
        if (!gone) setStatus('signed-out');
      },
    );
    return () => {
      gone = true;
    };
  }, [session]);

  const actions = useMemo<Omit<SessionState, 'status'>>(
    () => ({
      tokens: {
        accessToken: () => session.accessToken(),
        renew: () => session.renew(),
        onRefused: () => {
          void session.forget();
          setStatus('ended');
        },
      },
      signIn: (returnTo) => session.signIn(returnTo),
      completeSignIn: async () => {
        const returnTo = await session.completeSignIn();
        setStatus('signed-in');
        return returnTo;
      },
      signOut: () => session.signOut(),
    }),
    [session],
  );
  const state = useMemo<SessionState>(() => ({ status, ...actions }), [status, actions]);
  return <SessionContext value={state}>{children}</SessionContext>;
}
