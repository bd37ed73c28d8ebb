import { afterEach, describe, expect, it, vi } from 'vitest';
import { anonymous, ApiError, authenticated, type Variables } from '../src/api/client';
import type { Document } from '../src/api/graphql';

const X = '{ x }' as Document<{ x: number }, Variables>;

afterEach(() => vi.unstubAllGlobals());

function answering(...answers: (Response | Error)[]) {
  const requests: { headers: Headers; credentials: string | undefined; body: unknown }[] = [];
  vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
    requests.push({
      headers: new Headers(init.headers),
      credentials: init.credentials,
      body: JSON.parse(init.body as string),
    });
    const answer = answers.shift();
    return answer instanceof Response ? Promise.resolve(answer) : Promise.reject(answer ?? new Error('No answer left'));
  });
  return requests;
}

const refused = () => Response.json({ status: 401, code: 'revoked_credentials', detail: 'Revoked.' }, { status: 401 });
async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

describe('the GraphQL client', () => {
  it("gives the API's code, rule and argument", async () => {
    answering(
      Response.json({
        data: null,
        errors: [{ message: 'No.', extensions: { code: 'INVALID_INPUT', rule: 'not_aligned', path: 'from' } }],
      }),
    );
    expect(await failure(anonymous(X, {}))).toMatchObject({
      code: 'INVALID_INPUT',
      rule: 'not_aligned',
      argument: 'from',
      message: 'No.',
      isTransient: false,
    });
  });

  it.each([
    [new Response('<html>', { status: 502 }), 'BAD_RESPONSE', true],
    [Response.json({ detail: 'Busy.' }, { status: 503 }), 'UNAVAILABLE', true],
    [Response.json({ detail: 'No.' }, { status: 403 }), 'FORBIDDEN', false],
    [new TypeError('fetch failed'), 'NETWORK', true],
    [Response.json({ data: null }), 'BAD_RESPONSE', true],
  ])('makes one kind of error of %o', async (answer, code, isTransient) => {
    answering(answer);
    expect(await failure(anonymous(X, {}))).toMatchObject({ code, isTransient });
  });

  it('sends the cookie and what shows that a page of this site asks, and no token', async () => {
    const requests = answering(Response.json({ data: { x: 1 } }), Response.json({ data: { x: 2 } }));
    expect(await authenticated(vi.fn())(X, { a: '1' })).toEqual({ x: 1 });
    expect(await anonymous(X, {})).toEqual({ x: 2 });
    expect(requests.map(({ credentials }) => credentials)).toEqual(['same-origin', 'omit']);
    expect(requests.map(({ headers }) => headers.get('polaris-session'))).toEqual(['1', '1']);
    expect(requests.map(({ headers }) => headers.get('authorization'))).toEqual([null, null]);
    expect(requests[0]?.body).toEqual({ query: '{ x }', variables: { a: '1' } });
  });

  it('says that the session has ended when a request is refused for it, and for no other refusal', async () => {
    answering(
      refused(),
      Response.json({ errors: [{ message: 'No.', extensions: { code: 'FORBIDDEN' } }], data: null }),
    );
    const onEnded = vi.fn();
    expect(await failure(authenticated(onEnded)(X, {}))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(onEnded).toHaveBeenCalledOnce();
    expect(await failure(authenticated(onEnded)(X, {}))).toMatchObject({ code: 'FORBIDDEN' });
    expect(onEnded).toHaveBeenCalledOnce();
  });
});
