import { describe, expect, it } from 'vitest';
import { correctedBy, figure, type Correcting } from '../src/invoices/recomputed';

const differs = (charge: string, stored: string, recomputed: string) => ({
  charge,
  field: 'amount',
  stored,
  recomputed,
});
const later = (status: string, ...lines: [charge: string, amount: string, adjusts?: string][]): Correcting => ({
  id: 'later',
  number: 'INV-00000002',
  status,
  lines: lines.map(([charge, amount, adjusts = 'it']) => ({ charge, amount, adjusts: { id: adjusts } })),
});

describe('what differs from a final invoice', () => {
  it.each<[string, ReturnType<typeof differs>[], Correcting[], boolean]>([
    ['is corrected exactly', [differs('calls', '3.50', '1.50')], [later('DRAFT', ['calls', '-2.00'])], true],
    [
      'is corrected by several invoices',
      [differs('calls', '3.50', '1.50')],
      [later('PAID', ['calls', '-0.50']), later('FINALIZED', ['calls', '-1.50'])],
      true,
    ],
    [
      'is corrected in parts of the period',
      [differs('calls from 2026-06-01T00:00:00Z', '1', '2'), differs('calls from 2026-06-16T00:00:00Z', '3', '2.5')],
      [later('DRAFT', ['calls', '0.50'])],
      true,
    ],
    ['is corrected by less', [differs('calls', '3.50', '1.50')], [later('DRAFT', ['calls', '-1.99'])], false],
    [
      'is corrected on another charge only',
      [differs('calls', '3.50', '1.50')],
      [later('DRAFT', ['tokens', '-2.00'])],
      false,
    ],
    ['has its correction void', [differs('calls', '3.50', '1.50')], [later('VOID', ['calls', '-2.00'])], false],
    [
      'is another invoice’s',
      [differs('calls', '3.50', '1.50')],
      [later('DRAFT', ['calls', '-2.00', 'another'])],
      false,
    ],
    ['is not corrected', [differs('calls', '3.50', '1.50')], [], false],
  ])('%s', (_, differences, invoices, corrected) => {
    expect(correctedBy('it', differences, invoices) !== null).toBe(corrected);
  });

  it('is written as what it is', () => {
    expect(figure(differs('calls', '', ''), '1234.5', 'EUR')).toBe('€1,234.50');
    expect(figure({ ...differs('calls', '', ''), field: 'eventCount' }, '1234', 'EUR')).toBe('1,234');
    expect(figure({ ...differs('calls', '', ''), field: 'quantity' }, '1234.50', 'EUR')).toBe('1,234.5');
  });
});
