import { useEffect, useMemo, useState, type ReactNode } from 'react';
import {
  SessionContext,
  type Session,
  type SessionState,
  type SessionStatus,
  type SessionUser,
} from './SessionContext';

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  const [status, setStatus] = useState<SessionStatus>('loading');
  const [user, setUser] = useState<SessionUser | null>(null);

  useEffect(() => {
    let gone = false;
    session.user().then(
      (found) => {
        if (gone) return;
        setUser(found);
        setStatus(found ? 'signed-in' : 'signed-out');
      },
      () => {
        // Not known: the pages ask, and say what is wrong or that the session has ended.
        if (!gone) setStatus('signed-in');
      },
    );
    return () => {
      gone = true;
    };
  }, [session]);

  const actions = useMemo<Omit<SessionState, 'status' | 'user'>>(
    () => ({
      signIn: (returnTo) => session.signIn(returnTo),
      signOut: async () => {
        setStatus('leaving');
        try {
          await session.signOut();
        } catch (error) {
          setStatus('signed-in');
          throw error;
        }
      },
      onEnded: () => setStatus('ended'),
    }),
    [session],
  );
  const state = useMemo<SessionState>(() => ({ status, user, ...actions }), [status, user, actions]);
  return <SessionContext value={state}>{children}</SessionContext>;
}
