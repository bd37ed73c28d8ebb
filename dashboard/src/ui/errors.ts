import { ApiError } from '../api/client';

export type ErrorText = { title: string; detail: string; code: string };

/** The text for an error. The detail is the API's own message, which names the argument and the rule. */
export function describeError(error: unknown): ErrorText {
  if (!(error instanceof ApiError)) {
    return {
      title: 'Something went wrong',
      detail: error instanceof Error ? error.message : 'An unknown error.',
      code: 'CLIENT',
    };
  }
  return { title: titleOf(error.code), detail: error.message, code: error.rule ?? error.code };
}

function titleOf(code: string): string {
  switch (code) {
    case 'NETWORK':
      return 'Polaris cannot be reached';
    case 'UNAVAILABLE':
    case 'BAD_RESPONSE':
      return 'Polaris is unavailable at the moment';
    case 'UNAUTHENTICATED':
      return 'Your session has ended';
    case 'FORBIDDEN':
      return 'You are not allowed to do this';
    case 'NOT_FOUND':
      return 'Not found';
    case 'CONFLICT':
      return 'This conflicts with the current state';
    case 'INVALID_INPUT':
    case 'INVALID_VALUE':
      return 'The input is not valid';
    default:
      return 'Something went wrong';
  }
}

/** The argument that an error is about: "input.address.city" → "address.city", "input[0].key" → "key". Null when it names none. */
export function argumentOf(error: unknown): string | null {
  if (!(error instanceof ApiError) || error.argument === undefined) return null;
  return error.argument.replace(/^input(\[\d+\])?\.?/, '') || null;
}

/** The error's message for one field of a form: the field itself, or something within it ("scopes[1]" is about "scopes"). */
export function errorAt(error: unknown, path: string): string | null {
  const argument = argumentOf(error);
  if (argument === null || (argument !== path && !argument.startsWith(`${path}.`) && !argument.startsWith(`${path}[`)))
    return null;
  return describeError(error).detail;
}
