import { formatMoney, formatPercent, formatQuantity, isZero } from '../format/decimal';
import type { Charge, Discount, EventFee, Meter, Price, Terms, Tier } from './queries';

/** Describes a price in sentences, in the order of application. */
export function spellOutPrice(price: Price, currency: string): string[] {
  const sentences = ofModel(price, currency);
  return price.flatFeeAtZero ? [...sentences, 'The first fee is due even when nothing is used.'] : sentences;
}

function ofModel(price: Price, currency: string): string[] {
  const money = (value: string | null) => formatMoney(value ?? '0', currency);
  switch (price.model) {
    case 'FLAT':
      return [`${money(price.amount)} a period, whatever is used.`];
    case 'PER_UNIT':
      return [`${money(price.unitPrice)} for each unit.`];
    case 'GRADUATED':
      return ['Each unit at the price of its own tier:', ...tiers(price.tiers ?? [], unitPrice(money, 'graduated'))];
    case 'VOLUME':
      return [
        'All units at the price of the tier that the quantity reaches:',
        ...tiers(price.tiers ?? [], unitPrice(money, 'volume')),
      ];
    case 'PACKAGE': {
      const sentences = [
        `${money(price.packagePrice)} for each package of ${formatQuantity(price.packageSize ?? '1')} units that is ${price.packageRounding === 'DOWN' ? 'full' : 'started'}.`,
      ];
      if (price.freeUnits !== null && !isZero(price.freeUnits))
        sentences.unshift(`The first ${formatQuantity(price.freeUnits)} units are free.`);
      return sentences;
    }
    case 'STAIR_STEP':
      return [
        'One fee for the tier that the quantity reaches:',
        ...tiers(price.tiers ?? [], (tier) => `${money(tier.flatFee)} in all`),
      ];
    case 'PERCENTAGE':
      return percentage(price, money);
    case 'GRADUATED_PERCENTAGE':
      return [
        'Each part of the amount at the rate of its own tier:',
        ...tiers(price.tiers ?? [], (tier) => `${formatPercent(tier.percent ?? '0')}${fee(tier, money, 'graduated')}`),
      ];
  }
}

function percentage(price: Price, money: (value: string | null) => string): string[] {
  const sentences = [`${formatPercent(price.percent ?? '0')} of the amount.`];
  if (price.freeAmount && !isZero(price.freeAmount))
    sentences.unshift(`The first ${money(price.freeAmount)} of the amount are free.`);
  if (price.feePerEvent && !isZero(price.feePerEvent)) {
    const beyond = price.freeEvents ? ` after the first ${price.freeEvents}` : '';
    sentences.push(`${money(price.feePerEvent)} for each event${beyond}.`);
  }
  return sentences;
}

type Money = (value: string) => string;

function unitPrice(money: Money, model: 'graduated' | 'volume'): (tier: Tier) => string {
  const each = (tier: Tier) =>
    tier.packageSize ? `for each package of ${formatQuantity(tier.packageSize)} units that is started` : 'a unit';
  return (tier) =>
    `${isZero(tier.unitPrice) ? 'free' : `${money(tier.unitPrice)} ${each(tier)}`}${fee(tier, money, model)}`;
}

function fee(tier: Tier, money: Money, model: 'graduated' | 'volume'): string {
  if (isZero(tier.flatFee)) return '';
  return `, plus ${money(tier.flatFee)} ${model === 'graduated' ? 'once the tier is reached' : 'once'}`;
}

function tiers(all: readonly Tier[], cost: (tier: Tier) => string): string[] {
  let below = '0';
  return all.map((tier) => {
    const first = isZero(below);
    const range =
      tier.upTo === null
        ? first
          ? 'Any quantity'
          : `Above ${formatQuantity(below)}`
        : first
          ? `Up to ${formatQuantity(tier.upTo)}`
          : `Above ${formatQuantity(below)}, up to ${formatQuantity(tier.upTo)}`;
    below = tier.upTo ?? below;
    return `${range}: ${cost(tier)}`;
  });
}

/** What else a charge costs, or costs less, beside its price. */
export function spellOutBounds(charge: Charge, currency: string): string[] {
  const money = (value: string) => formatMoney(value, currency);
  const sentences: string[] = [];
  if (charge.includedUnits && !isZero(charge.includedUnits))
    sentences.push(`${formatQuantity(charge.includedUnits)} units are included.`);
  for (const discount of charge.discounts) sentences.push(`${spellOutDiscount(discount, currency)}.`);
  if (charge.minimum !== null) sentences.push(`At least ${money(charge.minimum)} a period.`);
  if (charge.maximum !== null) sentences.push(`At most ${money(charge.maximum)} a period.`);
  if (charge.timing === 'ADVANCE') sentences.push('Billed in advance, before its period.');
  if (charge.proration !== null) sentences.push(spellOutProration(charge.proration));
  return sentences;
}

export function spellOutDiscount(discount: Discount, currency: string): string {
  const off =
    discount.percent === null ? formatMoney(discount.amount ?? '0', currency) : formatPercent(discount.percent);
  return `Discount “${discount.name}”: ${off} off`;
}

function spellOutProration(proration: Terms['proration']): string {
  switch (proration) {
    case 'DAYS':
      return 'A part of a period costs its share of the days.';
    case 'SECONDS':
      return 'A part of a period costs its share of the seconds.';
    case 'NONE':
      return 'A part of a period costs as much as a whole one.';
  }
}

/** The terms of the invoice as a whole, in the order in which they apply. */
export function spellOutTerms(terms: Terms, currency: string): string[] {
  const money = (value: string) => formatMoney(value, currency);
  const sentences: string[] = [];
  if (terms.commitment) {
    const { amount, overageFactor } = terms.commitment;
    sentences.push(
      `Commitment: usage costs at least ${money(amount)} a period${overageFactor === '1' ? '' : `, and beyond it ${formatQuantity(overageFactor)} times its price`}.`,
    );
  }
  if (terms.minimum !== null) sentences.push(`The invoice is at least ${money(terms.minimum)} a period.`);
  if (terms.maximum !== null) sentences.push(`The invoice is at most ${money(terms.maximum)} a period.`);
  for (const discount of terms.discounts) sentences.push(`${spellOutDiscount(discount, currency)} the invoice.`);
  for (const tax of terms.taxes)
    sentences.push(
      `Tax “${tax.name}”: ${formatPercent(tax.percent)}, ${terms.taxMode === 'INCLUSIVE' ? 'contained in the prices' : 'on top of the prices'}.`,
    );
  if (terms.proration !== 'NONE') sentences.push(spellOutProration(terms.proration));
  return sentences;
}

export function spellOutMeter(
  meter: Pick<Meter, 'aggregation' | 'property' | 'eventType'> & Partial<Pick<Meter, 'eventFee'>>,
): string {
  const property = meter.property ?? '?';
  if (meter.eventFee) return `adds up ${eventFee(meter.eventFee, property)} of the ${meter.eventType} events`;
  switch (meter.aggregation) {
    case 'COUNT':
      return `counts the ${meter.eventType} events`;
    case 'SUM':
      return `adds up ${property} of the ${meter.eventType} events`;
    case 'MAX':
      return `takes the maximum ${property} of the ${meter.eventType} events`;
    case 'MIN':
      return `takes the minimum ${property} of the ${meter.eventType} events`;
    case 'AVERAGE':
      return `takes the average ${property} of the ${meter.eventType} events`;
    case 'LATEST':
      return `takes the last ${property} of the ${meter.eventType} events`;
    case 'WEIGHTED_SUM':
      return `takes the average over time of the level that ${property} of the ${meter.eventType} events changes`;
    case 'UNIQUE_COUNT':
      return `counts the different values of ${property} in the ${meter.eventType} events`;
  }
}

function eventFee(fee: EventFee, property: string): string {
  const parts = [`${formatPercent(fee.percent)} of ${property}`];
  if (fee.fixed) parts.push(`and ${formatQuantity(fee.fixed)}`);
  if (fee.minimum) parts.push(`at least ${formatQuantity(fee.minimum)}`);
  if (fee.maximum) parts.push(`at most ${formatQuantity(fee.maximum)}`);
  return `a fee (${parts.join(', ')})`;
}
