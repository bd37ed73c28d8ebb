import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildASTSchema, Kind, parse } from 'graphql';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../../docs/graphql');

/** The public schema, from the subgraphs' published SDL: root types are merged, shared scalars deduplicated. */
export function readSchema() {
  const definitions = new Map();
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.graphql') && name !== 'schema.graphql')) {
    for (const definition of parse(readFileSync(join(FOLDER, file), 'utf8')).definitions) {
      if (!('name' in definition) || definition.kind === Kind.DIRECTIVE_DEFINITION) continue;
      const name = definition.name.value;
      const known = definitions.get(name);
      if (!known) definitions.set(name, definition);
      else if (definition.kind === Kind.OBJECT_TYPE_DEFINITION)
        definitions.set(name, { ...known, fields: [...known.fields, ...definition.fields] });
    }
  }
  return buildASTSchema({ kind: Kind.DOCUMENT, definitions: [...definitions.values()] }, { assumeValidSDL: true });
}
