/** GraphQL over fetch, same origin. A refusal is an ApiError with the API's own code. */

export type Variables = Record<string, unknown>;

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    /** The API's `extensions.code`, or NETWORK (no answer) or BAD_RESPONSE (not GraphQL's answer). */
    readonly code: string,
    message: string,
    /** Narrower than the code: what rule was broken. */
    readonly rule?: string,
    /** The argument that was refused, such as "input.email". */
    readonly argument?: string,
  ) {
    super(message);
  }

  /** Whether the same request may succeed a moment later. */
  get isTransient(): boolean {
    return this.code === 'NETWORK' || this.code === 'BAD_RESPONSE' || this.code === 'UNAVAILABLE';
  }
}

/** Where the client gets its token, and what it says when the token is not (or no longer) good. */
export interface TokenSource {
  accessToken(): Promise<string | null>;
  /** A new token in place of a refused one; null where that takes a person. */
  renew(): Promise<string | null>;
  /** Called once a request was refused for good. */
  onRefused(): void;
}

export type Request = <T>(document: string, variables?: Variables, signal?: AbortSignal) => Promise<T>;

/** Anyone may sign up; everything else goes through `authenticated`. */
export const anonymous: Request = (document, variables, signal) => send(document, variables, null, signal);

export function authenticated(tokens: TokenSource): Request {
  return async (document, variables, signal) => {
    try {
      return await send(document, variables, await tokens.accessToken(), signal);
    } catch (error) {
      if (!isUnauthenticated(error)) throw error;
      // The token may have run out on the way. Nothing was executed: asking again is safe for mutations too.
      const renewed = await tokens.renew();
      if (renewed === null) {
        tokens.onRefused();
        throw error;
      }
      try {
        return await send(document, variables, renewed, signal);
      } catch (second) {
        if (isUnauthenticated(second)) tokens.onRefused();
        throw second;
      }
    }
  };
}

export function isUnauthenticated(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'UNAUTHENTICATED';
}

async function send<T>(
  document: string,
  variables: Variables | undefined,
  token: string | null,
  signal: AbortSignal | undefined,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch('/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query: document, variables: variables ?? {} }),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('NETWORK', 'Polaris cannot be reached. Check your connection and try again.');
  }
  const body: unknown = await response.json().catch(() => null);
  if (isRecord(body) && Array.isArray(body.errors) && body.errors.length > 0) throw fromGraphQL(body.errors[0]);
  if (response.ok && isRecord(body) && isRecord(body.data)) return body.data as T;
  throw fromProblem(response.status, body);
}

function fromGraphQL(error: unknown): ApiError {
  const { message, extensions } = isRecord(error) ? error : {};
  const { code, rule, path } = isRecord(extensions) ? extensions : {};
  return new ApiError(
    text(code) ?? 'BAD_RESPONSE',
    text(message) ?? 'The request was refused without a reason.',
    text(rule),
    text(path),
  );
}

/** RFC 9457, as the gateway answers before GraphQL begins. */
function fromProblem(status: number, body: unknown): ApiError {
  const { detail, title, code } = isRecord(body) ? body : {};
  const message = text(detail) ?? text(title);
  if (status === 401) return new ApiError('UNAUTHENTICATED', message ?? 'You are not signed in.', text(code));
  if (status === 403) return new ApiError('FORBIDDEN', message ?? 'You may not do this.', text(code));
  if (status === 429 || status === 503)
    return new ApiError('UNAVAILABLE', message ?? 'Polaris is busy. Try again in a moment.', text(code));
  return new ApiError('BAD_RESPONSE', message ?? `Polaris answered with status ${status}.`, text(code));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
