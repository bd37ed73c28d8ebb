import { createContext, use } from 'react';

/** Who is signed in. A person who only operates the installation is in no org. */
export type SessionUser = { email: string | null; inOrg: boolean; scopes: readonly string[] };

/** Sign-in and sign-out. GatewaySession is the implementation; tests use their own. */
export interface Session {
  /** Null when nobody is signed in. */
  user(): Promise<SessionUser | null>;
  /** Leaves for Identity's page. `returnTo` is a path of the dashboard. */
  signIn(returnTo: string): void;
  /** Ends the session everywhere and leaves for the start page. */
  signOut(): Promise<void>;
}

/** While the session is leaving, the pages stay and nothing is asked: an answer would only say that the session has ended. */
export type SessionStatus = 'loading' | 'signed-out' | 'signed-in' | 'leaving' | 'ended';

export type SessionState = {
  status: SessionStatus;
  /** Null also while it is not known. */
  user: SessionUser | null;
  signIn: (returnTo: string) => void;
  signOut: () => Promise<void>;
  /** A request was refused because nobody is signed in. */
  onEnded: () => void;
};

export const SessionContext = createContext<SessionState | null>(null);

export function useSession(): SessionState {
  const session = use(SessionContext);
  if (!session) throw new Error('This component must be inside SessionProvider.');
  return session;
}
