import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSchema } from 'graphql';

const FILE = join(dirname(fileURLToPath(import.meta.url)), '../../../docs/graphql/schema.graphql');

/** The public schema, as the gateway composes it. */
export function readSchema() {
  return buildSchema(readFileSync(FILE, 'utf8'));
}
