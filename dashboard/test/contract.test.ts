import { parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { customerFactsDocument, MAX_KEYS } from '../src/customers/facts';
import { readSchema } from './fake-server/schema.mjs';

// All other documents are literals, which `npm run generate` validates when it makes their types.
describe('the public schema', () => {
  const schema = readSchema();

  it('allows the document that is made for the customers of a page', () => {
    for (const count of [1, 2, MAX_KEYS]) expect(validate(schema, parse(customerFactsDocument(count)))).toEqual([]);
  });

  it('is looked at: a field that it lacks is noticed', () => {
    expect(validate(schema, parse('{ invoices { nodes { colour } } }'))).not.toEqual([]);
  });
});
