import { render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { MemoryRouter, useLocation } from 'react-router';
import { vi } from 'vitest';
import { createQueryClient } from '../src/api/ApiProvider';
import { App } from '../src/App';
import type { Session, SessionUser } from '../src/session/SessionContext';
import { createPolaris, type FakePolaris } from './fake-server/polaris.mjs';

export class FakeSession implements Session {
  /** Whether the browser has the cookie of a session. */
  cookie = true;
  /** Whether the gateway accepts it. */
  ended = false;
  signedIn: string[] = [];
  signedOut = 0;

  inOrg = true;

  user = (): Promise<SessionUser | null> =>
    Promise.resolve(
      this.cookie
        ? { email: 'demo@polaris.example', inOrg: this.inOrg, scopes: this.inOrg ? ['read'] : ['platform.read'] }
        : null,
    );
  signIn = (returnTo: string) => {
    this.signedIn.push(returnTo);
  };
  signOut = () => {
    this.signedOut++;
    return Promise.resolve();
  };
}

/** Answers `/graphql` from the fake, with the session's cookie and the header. Any other URL is an error in the test. */
export function serve(polaris: FakePolaris, session: FakeSession): void {
  vi.stubGlobal(
    'fetch',
    vi.fn(async (url: string, init: RequestInit) => {
      if (url === '/installation/health') return Response.json({ services: polaris.services });
      if (url !== '/graphql') throw new Error(`Unexpected request of ${url}`);
      const body = JSON.parse(init.body as string) as { query: string; variables: Record<string, unknown> };
      const anonymous =
        init.credentials === 'omit' &&
        /signUp|proveEmail|acceptInvitation|requestPasswordReset|resetPassword/.test(body.query);
      const own = new Headers(init.headers).get('polaris-session') === '1' && init.credentials === 'same-origin';
      if (!anonymous && (!own || session.ended || !session.cookie))
        return Response.json({ status: 401, code: 'revoked_credentials', detail: 'Ended.' }, { status: 401 });
      return Response.json(JSON.parse(JSON.stringify(await polaris.execute(body))));
    }),
  );
}

type Options = { at: string; polaris?: FakePolaris; session?: FakeSession };

export function open({ at, polaris = createPolaris(), session = new FakeSession() }: Options) {
  serve(polaris, session);
  const address = { current: '' };
  function Address() {
    const { pathname, search } = useLocation();
    address.current = pathname + search;
    return null;
  }
  const screen = render(
    <MemoryRouter initialEntries={[at]}>
      <Address />
      <App session={session} queries={createQueryClient(1)} />
    </MemoryRouter>,
  );
  return { polaris, session, address, screen, user: userEvent.setup() };
}
