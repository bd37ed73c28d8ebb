import { describe, expect, it } from 'vitest';
import { alignedRange, formatInstant, formatMoney, formatPeriod, groupDigits } from '../src/format';

describe('amounts', () => {
  it.each([
    ['0.00', '0.00'],
    ['999', '999'],
    ['1000', '1,000'],
    ['-1234567.891', '-1,234,567.891'],
    ['9007199254740993.000000000000000001', '9,007,199,254,740,993.000000000000000001'],
    ['not a number', 'not a number'],
  ])('%s keeps every digit', (given, shown) => expect(groupDigits(given)).toBe(shown));

  it('carry their currency', () => expect(formatMoney('9080.11', 'USD')).toBe('9,080.11 USD'));
});

describe('times', () => {
  it('are shown in UTC', () => expect(formatInstant('2015-05-17T10:05:03Z')).toBe('2015-05-17 10:05 UTC'));
  it('of a period end with the last day in it', () =>
    expect(formatPeriod('2015-05-01T00:00:00Z', '2015-06-01T00:00:00Z')).toBe('2015-05-01 – 2015-05-31'));

  it('of a range are full hours and hold the present', () => {
    expect(alignedRange(new Date('2026-01-02T10:07:30.500Z'), 24)).toEqual({
      from: '2026-01-01T11:00:00Z',
      to: '2026-01-02T11:00:00Z',
    });
    expect(alignedRange(new Date('2026-01-02T10:00:00.000Z'), 1)).toEqual({
      from: '2026-01-02T10:00:00Z',
      to: '2026-01-02T11:00:00Z',
    });
  });
});
