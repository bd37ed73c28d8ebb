import { createContext, use } from 'react';
import type { TokenSource } from '../api/client';

/** Signing in and out; OidcSession is the real one, tests bring their own. */
export interface Session {
  /** Whether somebody is signed in, without asking the network. */
  isSignedIn(): Promise<boolean>;
  accessToken(): Promise<string | null>;
  renew(): Promise<string | null>;
  /** Leaves the page for Identity's. `returnTo` is a path of the dashboard. */
  signIn(returnTo: string): Promise<void>;
  /** Takes the answer of Identity's page; gives the path to go on with. */
  completeSignIn(): Promise<string>;
  signOut(): Promise<void>;
  /** Drops tokens that are no longer good. */
  forget(): Promise<void>;
}

export type SessionStatus = 'loading' | 'signed-out' | 'signed-in' | 'ended';

export type SessionState = {
  status: SessionStatus;
  tokens: TokenSource;
  signIn: (returnTo: string) => Promise<void>;
  completeSignIn: () => Promise<string>;
  signOut: () => Promise<void>;
};

export const SessionContext = createContext<SessionState | null>(null);

export function useSession(): SessionState {
  const session = use(SessionContext);
  if (!session) throw new Error('A page that needs the session is outside SessionProvider.');
  return session;
}
