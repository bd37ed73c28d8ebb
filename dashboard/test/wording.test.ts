import { describe, expect, it } from 'vitest';
import type { Price, Terms } from '../src/catalog/queries';
import { spellOutMeter, spellOutPrice, spellOutTerms } from '../src/catalog/spellOut';
import { readProperties } from '../src/events/readProperties';
import { localPath } from '../src/session/GatewaySession';

const nothing: Omit<Price, 'model'> = {
  amount: null,
  unitPrice: null,
  tiers: null,
  packageSize: null,
  packagePrice: null,
  packageRounding: null,
  freeUnits: null,
  percent: null,
  feePerEvent: null,
  freeAmount: null,
  freeEvents: null,
  flatFeeAtZero: null,
};
const tiers = [
  { upTo: '1000', unitPrice: '0', flatFee: '0', percent: null, packageSize: null },
  { upTo: '4000.5', unitPrice: '0.02', flatFee: '0', percent: null, packageSize: null },
  { upTo: null, unitPrice: '0.015', flatFee: '10', percent: null, packageSize: null },
];

describe('prices are spelled out', () => {
  it.each<[Price, string[]]>([
    [{ ...nothing, model: 'FLAT', amount: '49.00' }, ['$49.00 a period, whatever is used.']],
    [{ ...nothing, model: 'PER_UNIT', unitPrice: '0.000125' }, ['$0.000125 for each unit.']],
    [
      { ...nothing, model: 'GRADUATED', tiers },
      [
        'Each unit at the price of its own tier:',
        'Up to 1,000: free',
        'Above 1,000, up to 4,000.5: $0.02 a unit',
        'Above 4,000.5: $0.015 a unit, plus $10.00 once the tier is reached',
      ],
    ],
    [
      {
        ...nothing,
        model: 'VOLUME',
        tiers: [{ upTo: null, unitPrice: '3', flatFee: '0', percent: null, packageSize: null }],
      },
      ['All units at the price of the tier that the quantity reaches:', 'Any quantity: $3.00 a unit'],
    ],
    [
      { ...nothing, model: 'PACKAGE', packageSize: '10000', packagePrice: '0.25', freeUnits: '50000' },
      ['The first 50,000 units are free.', '$0.25 for each package of 10,000 units that is started.'],
    ],
    [
      { ...nothing, model: 'PACKAGE', packageSize: '1000', packagePrice: '1', freeUnits: '0' },
      ['$1.00 for each package of 1,000 units that is started.'],
    ],
    [
      { ...nothing, model: 'PACKAGE', packageSize: '100', packagePrice: '5', packageRounding: 'DOWN' },
      ['$5.00 for each package of 100 units that is full.'],
    ],
    [
      {
        ...nothing,
        model: 'STAIR_STEP',
        tiers: [
          { upTo: '10', unitPrice: '0', flatFee: '50', percent: null, packageSize: null },
          { upTo: null, unitPrice: '0', flatFee: '200', percent: null, packageSize: null },
        ],
      },
      ['One fee for the tier that the quantity reaches:', 'Up to 10: $50.00 in all', 'Above 10: $200.00 in all'],
    ],
    [
      { ...nothing, model: 'PERCENTAGE', percent: '2.9', feePerEvent: '0.30', freeAmount: '100', freeEvents: 4 },
      ['The first $100.00 of the amount are free.', '2.9% of the amount.', '$0.30 for each event after the first 4.'],
    ],
    [
      {
        ...nothing,
        model: 'GRADUATED_PERCENTAGE',
        tiers: [{ upTo: null, unitPrice: '0', flatFee: '200', percent: '1', packageSize: null }],
      },
      [
        'Each part of the amount at the rate of its own tier:',
        'Any quantity: 1%, plus $200.00 once the tier is reached',
      ],
    ],
    [
      {
        ...nothing,
        model: 'GRADUATED',
        tiers: [
          { upTo: '10', unitPrice: '0', flatFee: '5', percent: null, packageSize: null },
          { upTo: null, unitPrice: '0.25', flatFee: '0', percent: null, packageSize: '1000' },
        ],
        flatFeeAtZero: true,
      },
      [
        'Each unit at the price of its own tier:',
        'Up to 10: free, plus $5.00 once the tier is reached',
        'Above 10: $0.25 for each package of 1,000 units that is started',
        'The first fee is due even when nothing is used.',
      ],
    ],
  ])('%j', (price, sentences) => {
    expect(spellOutPrice(price, 'USD')).toEqual(sentences);
  });

  it('terms too, with everything that costs money', () => {
    const terms: Terms = {
      commitment: { amount: '1000', overageFactor: '1.5' },
      minimum: '50',
      maximum: '500',
      discounts: [
        { key: 'a', name: 'Loyal', percent: '12.5', amount: null },
        { key: 'b', name: 'Welcome', percent: null, amount: '30' },
      ],
      taxMode: 'INCLUSIVE',
      taxes: [{ key: 'vat', name: 'VAT', percent: '19' }],
      proration: 'DAYS',
    };
    expect(spellOutTerms(terms, 'USD')).toEqual([
      'Commitment: usage costs at least $1,000.00 a period, and beyond it 1.5 times its price.',
      'The invoice is at least $50.00 a period.',
      'The invoice is at most $500.00 a period.',
      'Discount “Loyal”: 12.5% off the invoice.',
      'Discount “Welcome”: $30.00 off the invoice.',
      'Tax “VAT”: 19%, contained in the prices.',
      'A part of a period costs its share of the days.',
    ]);
  });

  it('meters too', () => {
    const meter = { property: 'user', eventType: 'api.call' };
    expect(spellOutMeter({ ...meter, aggregation: 'UNIQUE_COUNT' })).toBe(
      'counts the different values of user in the api.call events',
    );
    expect(spellOutMeter({ ...meter, aggregation: 'WEIGHTED_SUM' })).toBe(
      'takes the average over time of the level that user of the api.call events changes',
    );
    expect(spellOutMeter({ ...meter, aggregation: 'COUNT', property: null })).toBe('counts the api.call events');
    expect(
      spellOutMeter({
        property: 'amount',
        eventType: 'payment',
        aggregation: 'SUM',
        eventFee: { percent: '2.9', fixed: null, minimum: '0.30', maximum: '5' },
      }),
    ).toBe('adds up a fee (2.9% of amount, at least 0.3, at most 5) of the payment events');
  });
});

describe('properties of an event', () => {
  it('keep every digit of a number', () => {
    expect(readProperties('{"a":999999999999999.123456789,"b":-0.10}')).toEqual([
      { name: 'a', value: '999999999999999.123456789' },
      { name: 'b', value: '-0.10' },
    ]);
  });

  it('may hold quotes, commas, braces and escapes', () => {
    const properties = { 'a "b"': 'c, "d": {e}', f: 'ü\n\\', g: true, '': '' };
    expect(readProperties(JSON.stringify(properties))).toEqual([
      { name: 'a "b"', value: 'c, "d": {e}' },
      { name: 'f', value: 'ü\n\\' },
      { name: 'g', value: 'true' },
      { name: '', value: '' },
    ]);
    expect(readProperties(JSON.stringify(properties, null, 2))).toHaveLength(4);
  });

  it('are shown as text when they are not a flat object', () => {
    expect(readProperties('{}')).toEqual([]);
    expect(['[1]', '{"a":{"b":1}}', '{"a":1', 'nonsense', ''].map(readProperties)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
  });
});

describe('where sign-in comes back to', () => {
  it('is a page of the dashboard, whatever the address says', () => {
    expect(localPath('/invoices?status=DRAFT')).toBe('/invoices?status=DRAFT');
    expect(
      ['https://evil.example/', '//evil.example', '/\\evil.example', '/session/sign-in', undefined, 7].map(localPath),
    ).toEqual(['/', '/', '/', '/', '/', '/']);
  });
});
