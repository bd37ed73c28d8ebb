/** A refusal or failure of the API; `code` is stable. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

interface GraphQLResponse<T> {
  data?: T | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

export type TokenSource = () => Promise<string | undefined>;

let token: TokenSource = () => Promise.resolve(undefined);

/** Where requests get the access token from; set once at start. */
export function setTokenSource(source: TokenSource): void {
  token = source;
}

/** Runs a GraphQL operation. Any error is thrown: a page shows all of its data or says why not. */
export async function graphql<T>(query: string, variables?: Record<string, unknown>): Promise<T> {
  const bearer = await token();
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}) },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json().catch(() => ({}))) as GraphQLResponse<T> & { code?: string; detail?: string };
  if (response.status === 401) throw new ApiError(body.detail ?? 'Please sign in again.', 'UNAUTHENTICATED');
  const error = body.errors?.[0];
  if (error) throw new ApiError(error.message, error.extensions?.code ?? 'ERROR');
  if (!response.ok || !body.data) throw new ApiError(body.detail ?? `The server answered ${response.status}.`, body.code ?? 'ERROR');
  return body.data;
}
