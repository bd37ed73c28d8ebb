import { UserManager, WebStorageStateStore, type User } from 'oidc-client-ts';
import { createContext, use, useEffect, useMemo, useState, type ReactNode } from 'react';
import { setTokenSource } from './api';

// Authorization code with PKCE against the gateway's own origin; tokens live as long as the tab.
const users = new UserManager({
  authority: window.location.origin,
  client_id: 'polaris-dashboard',
  redirect_uri: `${window.location.origin}/callback`,
  post_logout_redirect_uri: `${window.location.origin}/`,
  scope: 'openid email profile offline_access read admin',
  userStore: new WebStorageStateStore({ store: window.sessionStorage }),
  automaticSilentRenew: true,
});

setTokenSource(async () => (await users.getUser())?.access_token);

interface Session {
  user: User | null;
  signIn: () => Promise<void>;
  signOut: () => Promise<void>;
}

const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error('No session provider.');
  return session;
}

/** Knows who is signed in; takes the code of /callback on the way. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const [user, setUser] = useState<User | null | undefined>(undefined);
  const [failure, setFailure] = useState<string>();

  useEffect(() => {
    const loaded = (next: User) => setUser(next);
    const unloaded = () => setUser(null);
    users.events.addUserLoaded(loaded);
    users.events.addUserUnloaded(unloaded);
    void start().then(setUser, (error: unknown) => {
      setFailure(error instanceof Error ? error.message : String(error));
      setUser(null);
    });
    return () => {
      users.events.removeUserLoaded(loaded);
      users.events.removeUserUnloaded(unloaded);
    };
  }, []);

  const session = useMemo<Session>(
    () => ({
      user: user ?? null,
      signIn: () => users.signinRedirect(),
      signOut: () => users.signoutRedirect(),
    }),
    [user],
  );
  if (user === undefined) return <p className="centered">Loading…</p>;
  return (
    <SessionContext value={session}>
      {failure && (
        <p role="alert" className="error">
          Signing in failed: {failure}
        </p>
      )}
      {children}
    </SessionContext>
  );
}

let starting: Promise<User | null> | undefined;

// Once a page load, however often React mounts: a code can be used once.
function start(): Promise<User | null> {
  return (starting ??= load());
}

async function load(): Promise<User | null> {
  if (window.location.pathname !== '/callback') {
    const user = await users.getUser();
    return user && !user.expired ? user : null;
  }
  try {
    return (await users.signinCallback()) ?? null;
  } finally {
    window.history.replaceState({}, '', '/');
  }
}
