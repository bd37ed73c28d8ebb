/**
 * A plugin of graphql-codegen: the type of each document, by its text as it stands in the source. graphql() in src/api/graphql.ts looks a
 * text up there. Only types are generated: the text that is sent is the one in the source, in the bundle of the page that uses it.
 */
export function plugin(_schema, documents) {
  const entries = [];
  for (const { document, rawSDL } of documents) {
    for (const definition of document.definitions) {
      const name = definition.name.value;
      const pascal = name.charAt(0).toUpperCase() + name.slice(1);
      if (definition.kind === 'FragmentDefinition') {
        entries.push(`  ${JSON.stringify(rawSDL)}: FragmentText;`);
      } else {
        const kind = { query: 'Query', mutation: 'Mutation' }[definition.operation];
        entries.push(`  ${JSON.stringify(rawSDL)}: Document<${pascal}${kind}, ${pascal}${kind}Variables>;`);
      }
    }
  }
  return {
    prepend: ["import type { Document, FragmentText } from './graphql';"],
    content: `\nexport interface Documents {\n${entries.sort().join('\n')}\n}\n`,
  };
}
