import { ErrorResponse, UserManager, WebStorageStateStore } from 'oidc-client-ts';
import { ApiError } from '../api/client';
import type { Session } from './SessionContext';

/** Ask for a new token when the old one has less than this left, in seconds. */
const MIN_REMAINING = 20;

/** Code + PKCE against the gateway's origin, which passes `/connect/*` to Identity. Tokens live in the tab's session storage. */
export class OidcSession implements Session {
  private readonly manager: UserManager;
  private renewal: Promise<string | null> | null = null;
  private completion: Promise<string> | null = null;

  constructor(private readonly origin: string) {
    this.manager = new UserManager({
      authority: origin,
      client_id: 'polaris-dashboard',
      redirect_uri: `${origin}/callback`,
      post_logout_redirect_uri: `${origin}/`,
      response_type: 'code',
      scope: 'openid profile email read billing admin offline_access',
      userStore: new WebStorageStateStore({ store: window.sessionStorage }),
      stateStore: new WebStorageStateStore({ store: window.sessionStorage }),
      // Renewed when a request needs it: a tab that nobody looks at lets its session end.
      automaticSilentRenew: false,
      loadUserInfo: false,
    });
  }

  async isSignedIn(): Promise<boolean> {
    const user = await this.manager.getUser();
    return user !== null && (!user.expired || user.refresh_token !== undefined);
  }

  async accessToken(): Promise<string | null> {
    const user = await this.manager.getUser();
    if (!user) return null;
    return (user.expires_in ?? 0) > MIN_REMAINING ? user.access_token : this.renew();
  }

  renew(): Promise<string | null> {
    // One at a time: a refresh token is used once.
    this.renewal ??= this.useRefreshToken().finally(() => {
      this.renewal = null;
    });
    return this.renewal;
  }

  private async useRefreshToken(): Promise<string | null> {
    const user = await this.manager.getUser();
    if (!user?.refresh_token) return null;
    try {
      return (await this.manager.signinSilent())?.access_token ?? null;
    } catch (error) {
      if (error instanceof ErrorResponse) return null;
      // No answer is no refusal: the session goes on when the network does.
      throw new ApiError('NETWORK', 'Your session could not be renewed because Polaris cannot be reached.');
    }
  }

  async signIn(returnTo: string): Promise<void> {
    if (!window.isSecureContext)
      throw new Error('Signing in needs HTTPS (or localhost): browsers offer no cryptography on other pages.');
    const issuer = new URL(await this.manager.metadataService.getIssuer());
    if (issuer.origin !== this.origin) {
      // Another name of the same installation, such as 127.0.0.1: Identity sends people back to its public URL only.
      window.location.assign(new URL(`/sign-in?returnTo=${encodeURIComponent(returnTo)}`, issuer));
      return;
    }
    await this.manager.signinRedirect({ state: { returnTo } });
  }

  completeSignIn(): Promise<string> {
    // A code works once; React's strict mode runs effects twice.
    this.completion ??= this.manager.signinRedirectCallback().then(({ state }) => localPath(state));
    return this.completion;
  }

  async signOut(): Promise<void> {
    await this.manager.signoutRedirect();
  }

  async forget(): Promise<void> {
    await this.manager.removeUser();
  }
}

/** A path of the dashboard and nothing that a browser takes for another site. */
export function localPath(state: unknown): string {
  const path = typeof state === 'object' && state !== null && 'returnTo' in state ? state.returnTo : state;
  return typeof path === 'string' && /^\/(?![/\\])/.test(path) && !path.startsWith('/callback') ? path : '/';
}
