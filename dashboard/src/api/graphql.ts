import type { Documents } from './generated';

declare const types: unique symbol;

/** The text of a query or mutation, with the types of its answer and its variables. */
export type Document<Answer, Variables> = string & { readonly [types]?: (variables: Variables) => Answer };

export type FragmentText = string & { readonly fragment?: true };

/**
 * A document whose types `npm run generate` wrote into generated.ts. Its text must be a literal; fragments that it spreads follow.
 */
export function graphql<const Text extends keyof Documents>(text: Text, ...fragments: FragmentText[]): Documents[Text] {
  return [text, ...fragments].join('\n');
}
