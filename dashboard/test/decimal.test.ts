import { afterEach, describe, expect, it } from 'vitest';
import { formatMoney, formatPercent, formatQuantity, formatRate, minorUnits, sameDecimal } from '../src/format/decimal';
import { setLocale } from '../src/format/locale';

describe('money', () => {
  it.each([
    ['5.00', 'USD', '$5.00'],
    ['49', 'USD', '$49.00'],
    ['22.5', 'USD', '$22.50'],
    ['0.015', 'USD', '$0.015'],
    ['-3.1', 'USD', '−$3.10'],
    ['-0.00', 'USD', '$0.00'],
    ['1234567.891', 'EUR', '€1,234,567.891'],
    ['1200', 'JPY', '¥1,200'],
    ['1.5', 'KWD', 'KWD\u00a01.500'],
    ['12', 'XXZ', 'XXZ\u00a012.00'],
    ['12', 'no currency', '12 no currency'],
    ['not a number', 'USD', 'not a number USD'],
  ])('%s %s is shown as %s', (value, currency, shown) => {
    expect(formatMoney(value, currency)).toBe(shown);
  });

  it('never loses a digit, of more than a double can hold', () => {
    for (let length = 1; length <= 20; length++) {
      const digits = Array.from({ length }, (_, index) => String((index % 9) + 1));
      const whole = digits.join('');
      const fraction = digits.reverse().join('');
      expect(formatMoney(`${whole}.${fraction}`, 'USD').replace(/[$,]/g, '')).toBe(
        `${whole}.${fraction.padEnd(2, '0')}`,
      );
      expect(formatQuantity(`-${whole}.${fraction}`).replace(/,/g, '')).toBe(`−${whole}.${fraction}`);
    }
  });

  it('shows what a double cannot hold', () => {
    expect(formatMoney('9007199254740993.10', 'USD')).toBe('$9,007,199,254,740,993.10');
    expect(formatQuantity('0.1234567890123456789')).toBe('0.1234567890123456789');
  });

  it('takes the decimals of a currency from ISO 4217', () => {
    expect(['USD', 'JPY', 'BHD', 'no currency'].map(minorUnits)).toEqual([2, 0, 3, 2]);
  });
});

describe('quantities', () => {
  it.each([
    ['0', '0'],
    ['1000', '1,000'],
    ['100', '100'],
    ['1234567.500', '1,234,567.5'],
    ['007', '7'],
    ['-0.0', '0'],
    ['1e5', '1e5'],
  ])('%s is shown as %s', (value, shown) => {
    expect(formatQuantity(value)).toBe(shown);
  });

  it('compares by value, not by text', () => {
    expect(sameDecimal('49', '49.00')).toBe(true);
    expect(sameDecimal('49', '49.001')).toBe(false);
    expect(sameDecimal('9007199254740993', '9007199254740992')).toBe(false);
  });
});

describe('percentages', () => {
  it('are exact', () => {
    expect(['0.029', '0.1', '-0.05', '1.19', '0.123456789012'].map(formatRate)).toEqual([
      '2.9%',
      '10%',
      '−5%',
      '119%',
      '12.3456789012%',
    ]);
    expect(['2.9', '0', '100', '0.0001', '-12.5'].map(formatPercent)).toEqual([
      '2.9%',
      '0%',
      '100%',
      '0.0001%',
      '−12.5%',
    ]);
  });
});

describe('another language', () => {
  afterEach(() => setLocale('en'));

  it('writes the same digits its own way', () => {
    setLocale('de');
    expect(formatQuantity('1234567.500')).toBe('1.234.567,5');
    expect(formatMoney('9007199254740993.10', 'EUR')).toBe('9.007.199.254.740.993,10\u00a0€');
    setLocale('no language at all');
    expect(formatQuantity('1.5')).toBe('1,5');
  });
});
