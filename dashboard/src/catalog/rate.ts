import { Big } from '../format/exact';
import type { Price, Tier } from './queries';

/**
 * What a quantity costs, for the preview of a price that is being edited: the rules of docs/pricing.md, exactly, for a whole period. The
 * invoice is Billing's: nothing that is billed passes here. test/rate.test.ts runs the examples of that page.
 */
export type RatedCharge = {
  price: Pick<Price, 'model'> & Partial<Price>;
  includedUnits?: string | null;
  minimum?: string | null;
  maximum?: string | null;
  discounts?: readonly { percent?: string | null; amount?: string | null }[];
};

/** Before the line's rounding. */
export function amountOf(charge: RatedCharge, quantity: string, events = 0): Big {
  const whole = new Big(quantity);
  const sign = whole.lt(0) ? -1 : 1;
  const beyond = max(whole.abs().minus(charge.includedUnits ?? 0), new Big(0));
  let amount = priceOf(charge.price, beyond, events).times(sign);
  for (const discount of charge.discounts ?? []) {
    const off = discount.percent
      ? amount.times(new Big(discount.percent).div(100))
      : min(amount.abs(), new Big(discount.amount ?? 0)).times(amount.lt(0) ? -1 : 1);
    amount = amount.minus(round(off));
  }
  if (charge.minimum) amount = max(amount, new Big(charge.minimum));
  if (charge.maximum && amount.abs().gt(charge.maximum)) amount = new Big(charge.maximum).times(amount.lt(0) ? -1 : 1);
  return amount;
}

/** A product is rounded once to 12 places, half away from zero. */
function round(value: Big): Big {
  return value.round(12, Big.roundHalfUp);
}

function priceOf(price: RatedCharge['price'], quantity: Big, events: number): Big {
  const tiers = price.tiers ?? [];
  const zero = new Big(0);
  switch (price.model) {
    case 'FLAT':
      return new Big(price.amount ?? 0);
    case 'PER_UNIT':
      return round(quantity.times(price.unitPrice ?? 0));
    case 'PACKAGE': {
      const beyond = max(quantity.minus(price.freeUnits ?? 0), zero);
      return packages(beyond, price.packageSize ?? '1', price.packageRounding === 'DOWN').times(
        price.packagePrice ?? 0,
      );
    }
    case 'PERCENTAGE': {
      const share = round(max(quantity.minus(price.freeAmount ?? 0), zero).times(new Big(price.percent ?? 0).div(100)));
      const paid = Math.max(events - (price.freeEvents ?? 0), 0);
      return share.plus(new Big(price.feePerEvent ?? 0).times(paid));
    }
    case 'GRADUATED':
    case 'GRADUATED_PERCENTAGE': {
      if (quantity.eq(0)) return price.flatFeeAtZero ? new Big(tiers[0]?.flatFee ?? 0) : zero;
      let [sum, below] = [zero, zero];
      for (const tier of tiers) {
        if (quantity.lte(below)) break;
        const upTo = tier.upTo === null ? quantity : min(new Big(tier.upTo), quantity);
        const part = upTo.minus(below);
        sum = sum
          .plus(
            price.model === 'GRADUATED' ? units(part, tier) : round(part.times(new Big(tier.percent ?? 0).div(100))),
          )
          .plus(tier.flatFee);
        below = upTo;
      }
      return sum;
    }
    case 'VOLUME':
    case 'STAIR_STEP': {
      if (quantity.eq(0)) return price.flatFeeAtZero ? new Big(tiers[0]?.flatFee ?? 0) : zero;
      const tier = tiers.find(({ upTo }) => upTo === null || quantity.lte(upTo));
      if (!tier) return zero;
      return price.model === 'VOLUME' ? units(quantity, tier).plus(tier.flatFee) : new Big(tier.flatFee);
    }
  }
}

function units(quantity: Big, tier: Tier): Big {
  return tier.packageSize && !new Big(tier.packageSize).eq(0)
    ? packages(quantity, tier.packageSize, false).times(tier.unitPrice)
    : round(quantity.times(tier.unitPrice));
}

function packages(quantity: Big, size: string, full: boolean): Big {
  const count = quantity.div(size).round(0, Big.roundDown);
  return !full && count.times(size).lt(quantity) ? count.plus(1) : count;
}

function max(a: Big, b: Big): Big {
  return a.gt(b) ? a : b;
}

function min(a: Big, b: Big): Big {
  return a.lt(b) ? a : b;
}
