import { render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { MemoryRouter, useLocation } from 'react-router';
import { vi } from 'vitest';
import { createQueryClient } from '../src/api/ApiProvider';
import { App } from '../src/App';
import type { Session } from '../src/session/SessionContext';
import { createPolaris, type FakePolaris } from './fake-server/polaris.mjs';

export class FakeSession implements Session {
  token: string | null = 'good';
  /** What renewing gives. */
  renewed: string | null = null;
  signedIn: string[] = [];
  signedOut = 0;

  isSignedIn = () => Promise.resolve(this.token !== null);
  accessToken = () => Promise.resolve(this.token);
  renew = () => {
    this.token = this.renewed;
    return Promise.resolve(this.renewed);
  };
  signIn = (returnTo: string) => {
    this.signedIn.push(returnTo);
    return Promise.resolve();
  };
  completeSignIn = () => {
    this.token = 'good';
    return Promise.resolve('/invoices');
  };
  signOut = () => {
    this.signedOut++;
    return Promise.resolve();
  };
  forget = () => {
    this.token = null;
    return Promise.resolve();
  };
}

/** Answers `/graphql` from the fake; only the token "good" is good. Everything else is a test's mistake. */
export function serve(polaris: FakePolaris): void {
  vi.stubGlobal(
    'fetch',
    vi.fn(async (url: string, init: RequestInit) => {
      if (url !== '/graphql') throw new Error(`Unexpected request of ${url}`);
      const authorization = new Headers(init.headers).get('authorization');
      const body = JSON.parse(init.body as string) as { query: string; variables: Record<string, unknown> };
      if (authorization !== 'Bearer good' && !(authorization === null && body.query.includes('signUp')))
        return Response.json({ status: 401, code: 'invalid_credentials', detail: 'Not valid.' }, { status: 401 });
      return Response.json(JSON.parse(JSON.stringify(await polaris.execute(body))));
    }),
  );
}

type Options = { at: string; polaris?: FakePolaris; session?: FakeSession };

export function open({ at, polaris = createPolaris(), session = new FakeSession() }: Options) {
  serve(polaris);
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
