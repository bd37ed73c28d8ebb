import { ApiError, OWN_PAGE } from '../api/client';
import type { Session, SessionUser } from './SessionContext';

/**
 * The session that the gateway keeps: tokens are in a cookie that no script can read, and the gateway renews them. The browser goes to
 * Identity's page and comes back without the dashboard taking part.
 */
export class GatewaySession implements Session {
  async user(): Promise<SessionUser | null> {
    const response = await ask('/session', 'GET');
    const body: unknown = await response.json();
    const user = isRecord(body) ? body.user : null;
    if (!isRecord(user)) return null;
    return {
      email: typeof user.email === 'string' ? user.email : null,
      inOrg: typeof user.orgId === 'string',
      scopes: Array.isArray(user.scopes) ? user.scopes.filter((scope) => typeof scope === 'string') : [],
    };
  }

  signIn(returnTo: string): void {
    window.location.assign(`/session/sign-in?${new URLSearchParams({ returnTo }).toString()}`);
  }

  async signOut(): Promise<void> {
    await ask('/session/sign-out', 'POST');
    window.location.assign('/');
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

async function ask(path: string, method: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { method, headers: { accept: 'application/json', ...OWN_PAGE } });
  } catch {
    throw new ApiError('NETWORK', 'Polaris cannot be reached. Check your connection and try again.');
  }
  if (!response.ok) throw new ApiError('UNAVAILABLE', 'The session cannot be reached at the moment. Try again.');
  return response;
}

/** A path of the dashboard, in no form that a browser would resolve to another site. */
export function localPath(path: unknown): string {
  return typeof path === 'string' && /^\/(?![/\\])/.test(path) && !path.startsWith('/session') ? path : '/';
}
