import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { amountOf, type RatedCharge } from '../src/catalog/rate';
import { Big } from '../src/format/exact';

/** Examples of prices by dimension have two quantities, which the curve of one price does not show. */
const CHARGES = /```json charge\n([\s\S]*?)```\n\n\| quantity \| amount \|\n\| --- \| --- \|\n((?:\| .* \|\n)+)/g;
const page = readFileSync('../docs/pricing.md', 'utf8');
const examples = [...page.matchAll(CHARGES)].flatMap(([, json, rows]) => {
  const charge = JSON.parse(json ?? '') as RatedCharge & { dimensionPrices?: unknown };
  if (charge.dimensionPrices) return [];
  const tiers = charge.price.tiers?.map((tier) => ({
    ...{ upTo: null, unitPrice: '0', flatFee: '0', percent: null, packageSize: null },
    ...tier,
  }));
  const stated = { ...charge, price: { ...charge.price, tiers: tiers ?? null } } as RatedCharge;
  return [...(rows ?? '').matchAll(/\| (\S+) \| (\S+) \|/g)].map(([, quantity, amount]) => ({
    charge: stated,
    quantity: quantity ?? '',
    amount: amount ?? '',
  }));
});

describe('the preview of a price', () => {
  it.each(examples)(
    '$charge.price.model of $quantity is $amount, as docs/pricing.md says',
    ({ charge, quantity, amount }) => {
      expect(amountOf(charge, quantity, 10).round(2, Big.roundHalfUp).toFixed(2)).toBe(amount);
    },
  );

  it('runs the examples of every price model', () => {
    expect(new Set(examples.map(({ charge }) => charge.price.model)).size).toBe(8);
    expect(examples.length).toBeGreaterThan(25);
  });
});
