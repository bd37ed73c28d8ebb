/** GraphQL over fetch, same origin. An error response becomes an ApiError with the API's own code. */

import type { Document } from './graphql';

export type Variables = Record<string, unknown>;

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    /** The API's `extensions.code`, or NETWORK (no response) or BAD_RESPONSE (not a GraphQL response). */
    readonly code: string,
    message: string,
    /** More specific than the code: the violated rule. */
    readonly rule?: string,
    /** The invalid argument, such as "input.email". */
    readonly argument?: string,
  ) {
    super(message);
  }

  /** Whether a retry may succeed. */
  get isTransient(): boolean {
    return this.code === 'NETWORK' || this.code === 'BAD_RESPONSE' || this.code === 'UNAVAILABLE';
  }
}

/** What the gateway wants to see beside the session's cookie: another site cannot set it. */
export const OWN_PAGE = { 'polaris-session': '1' };

export type Request = <A, V extends Variables>(
  document: Document<A, V>,
  variables: V,
  signal?: AbortSignal,
) => Promise<A>;

/** Anyone may sign up; everything else goes through `authenticated`. */
export const anonymous: Request = (document, variables, signal) =>
  // Without the cookie of a session that may be there, or have ended.
  send(document, variables, 'omit', signal);

/** As the person of the session, whose cookie the browser adds. */
export function authenticated(onEnded: () => void): Request {
  return async (document, variables, signal) => {
    try {
      return await send(document, variables, 'same-origin', signal);
    } catch (error) {
      if (isUnauthenticated(error)) onEnded();
      throw error;
    }
  };
}

export function isUnauthenticated(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'UNAUTHENTICATED';
}

async function send<A>(
  document: string,
  variables: Variables,
  credentials: RequestCredentials,
  signal: AbortSignal | undefined,
): Promise<A> {
  let response: Response;
  try {
    response = await fetch('/graphql', {
      method: 'POST',
      credentials,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...OWN_PAGE,
      },
      body: JSON.stringify({ query: document, variables }),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('NETWORK', 'Polaris cannot be reached. Check your connection and try again.');
  }
  const body: unknown = await response.json().catch(() => null);
  if (isRecord(body) && Array.isArray(body.errors) && body.errors.length > 0) throw fromGraphQL(body.errors[0]);
  if (response.ok && isRecord(body) && isRecord(body.data)) return body.data as A;
  throw fromProblem(response.status, body);
}

function fromGraphQL(error: unknown): ApiError {
  const { message, extensions } = isRecord(error) ? error : {};
  const { code, rule, path } = isRecord(extensions) ? extensions : {};
  return new ApiError(
    text(code) ?? 'BAD_RESPONSE',
    text(message) ?? 'The request failed without a message.',
    text(rule),
    text(path),
  );
}

/** Problem details (RFC 9457), which the gateway returns for errors outside GraphQL. */
function fromProblem(status: number, body: unknown): ApiError {
  const { detail, title, code } = isRecord(body) ? body : {};
  const message = text(detail) ?? text(title);
  if (status === 401) return new ApiError('UNAUTHENTICATED', message ?? 'You are not signed in.', text(code));
  if (status === 403) return new ApiError('FORBIDDEN', message ?? 'You are not allowed to do this.', text(code));
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
