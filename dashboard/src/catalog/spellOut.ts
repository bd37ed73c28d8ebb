import type { EventFee, Meter, Price, Tier } from '../api/schema';
import { formatMoney, formatQuantity, sameDecimal } from '../format/decimal';

/** Describes a price in sentences, in the order of application. */
export function spellOutPrice(price: Price, currency: string): string[] {
  const sentences = ofModel(price, currency);
  return price.flatFeeAtZero ? [...sentences, 'The first fee is due even when nothing is used.'] : sentences;
}

function ofModel(price: Price, currency: string): string[] {
  const money = (value: string | null) => formatMoney(value ?? '0', currency);
  switch (price.model) {
    case 'FLAT':
      return [`${money(price.amount)} a month, whatever is used.`];
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
      if (price.freeUnits !== null && !sameDecimal(price.freeUnits, '0'))
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
        ...tiers(
          price.tiers ?? [],
          (tier) => `${formatQuantity(tier.percent ?? '0')} %${fee(tier, money, 'graduated')}`,
        ),
      ];
  }
}

function percentage(price: Price, money: (value: string | null) => string): string[] {
  const sentences = [`${formatQuantity(price.percent ?? '0')} % of the amount.`];
  if (price.freeAmount && !sameDecimal(price.freeAmount, '0'))
    sentences.unshift(`The first ${money(price.freeAmount)} of the amount are free.`);
  if (price.feePerEvent && !sameDecimal(price.feePerEvent, '0')) {
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
    `${sameDecimal(tier.unitPrice, '0') ? 'free' : `${money(tier.unitPrice)} ${each(tier)}`}${fee(tier, money, model)}`;
}

function fee(tier: Tier, money: Money, model: 'graduated' | 'volume'): string {
  if (sameDecimal(tier.flatFee, '0')) return '';
  return `, plus ${money(tier.flatFee)} ${model === 'graduated' ? 'once the tier is reached' : 'once'}`;
}

function tiers(all: readonly Tier[], cost: (tier: Tier) => string): string[] {
  let below = '0';
  return all.map((tier) => {
    const first = sameDecimal(below, '0');
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

export function spellOutMeter(meter: Pick<Meter, 'aggregation' | 'property' | 'eventType' | 'eventFee'>): string {
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
  const parts = [`${formatQuantity(fee.percent)} % of ${property}`];
  if (fee.fixed) parts.push(`and ${formatQuantity(fee.fixed)}`);
  if (fee.minimum) parts.push(`at least ${formatQuantity(fee.minimum)}`);
  if (fee.maximum) parts.push(`at most ${formatQuantity(fee.maximum)}`);
  return `a fee (${parts.join(', ')})`;
}
