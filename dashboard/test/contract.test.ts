import { parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { API_KEYS, CREATE_API_KEY, REVOKE_API_KEY } from '../src/apiKeys/ApiKeysPage';
import * as catalog from '../src/catalog/queries';
import * as customers from '../src/customers/queries';
import { EVENT, RECENT_EVENTS } from '../src/events/EventsPage';
import * as invoices from '../src/invoices/queries';
import { SIGN_UP } from '../src/session/SignUpPage';
import { ME } from '../src/session/Viewer';
import { CLOCK } from '../src/ui/clock';
import { USAGE } from '../src/usage/queries';
import { readSchema } from './fake-server/schema.mjs';

const documents = [
  ...Object.values({ ...catalog, ...customers, ...invoices }).filter((value) => typeof value === 'string'),
  ...[API_KEYS, CREATE_API_KEY, REVOKE_API_KEY, EVENT, RECENT_EVENTS, SIGN_UP, ME, CLOCK, USAGE],
];

describe('the public schema', () => {
  const schema = readSchema();

  it.each(documents.map((text) => ({ name: /(query|mutation) \w+/.exec(text)?.[0], text })))(
    'allows $name',
    ({ text }) => {
      expect(validate(schema, parse(text))).toEqual([]);
    },
  );

  it('is looked at: a field that it lacks is noticed', () => {
    expect(validate(schema, parse('{ invoices { nodes { colour } } }'))).not.toEqual([]);
    expect(documents.length).toBeGreaterThanOrEqual(18);
  });
});
