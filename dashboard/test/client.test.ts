import { afterEach, describe, expect, it, vi } from 'vitest';
import { anonymous, ApiError, authenticated } from '../src/api/client';

afterEach(() => vi.unstubAllGlobals());

function answering(...answers: (Response | Error)[]) {
  const requests: { headers: Headers; body: unknown }[] = [];
  vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
    requests.push({ headers: new Headers(init.headers), body: JSON.parse(init.body as string) });
    const answer = answers.shift();
    return answer instanceof Response ? Promise.resolve(answer) : Promise.reject(answer ?? new Error('No answer left'));
  });
  return requests;
}

const refused = () => Response.json({ status: 401, code: 'revoked_credentials', detail: 'Revoked.' }, { status: 401 });
const tokens = (renewed: string | null) => ({
  accessToken: vi.fn(() => Promise.resolve<string | null>('old')),
  renew: vi.fn(() => Promise.resolve(renewed)),
  onRefused: vi.fn(),
});

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
    expect(await failure(anonymous('{ x }'))).toMatchObject({
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
    expect(await failure(anonymous('{ x }'))).toMatchObject({ code, isTransient });
  });

  it('renews a refused token once and asks again', async () => {
    const requests = answering(refused(), Response.json({ data: { x: 1 } }));
    const source = tokens('new');
    expect(await authenticated(source)('{ x }', { a: '1' })).toEqual({ x: 1 });
    expect(requests.map(({ headers }) => headers.get('authorization'))).toEqual(['Bearer old', 'Bearer new']);
    expect(requests[1]?.body).toEqual({ query: '{ x }', variables: { a: '1' } });
    expect(source.onRefused).not.toHaveBeenCalled();
  });

  it('ends the session when no new token is to be had, or the new one is refused too', async () => {
    answering(refused(), refused(), refused());
    const [without, withOne] = [tokens(null), tokens('new')];
    expect(await failure(authenticated(without)('{ x }'))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await failure(authenticated(withOne)('{ x }'))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(without.onRefused).toHaveBeenCalledOnce();
    expect(withOne.onRefused).toHaveBeenCalledOnce();
  });

  it('renews no token for a refusal of another kind', async () => {
    answering(Response.json({ errors: [{ message: 'No.', extensions: { code: 'FORBIDDEN' } }], data: null }));
    const source = tokens('new');
    expect(await failure(authenticated(source)('{ x }'))).toMatchObject({ code: 'FORBIDDEN' });
    expect(source.renew).not.toHaveBeenCalled();
  });
});
