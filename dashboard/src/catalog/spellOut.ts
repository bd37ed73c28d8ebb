import type { Meter, Price, Tier } from '../api/schema';
import { formatMoney, formatQuantity, sameDecimal } from '../format/decimal';

/** A price in sentences, in the order in which it is applied. */
export function spellOutPrice(price: Price, currency: string): string[] {
  const money = (value: string | null) => formatMoney(value ?? '0', currency);
  switch (price.model) {
    case 'FLAT':
      return [`${money(price.amount)} a month, whatever is used.`];
    case 'PER_UNIT':
      return [`${money(price.unitPrice)} for each unit.`];
    case 'GRADUATED':
      return ['Each unit at the price of its own tier:', ...tiers(price.tiers ?? [], money, 'graduated')];
    case 'VOLUME':
      return [
        'All units at the price of the tier that the quantity ends in:',
        ...tiers(price.tiers ?? [], money, 'volume'),
      ];
    case 'PACKAGE': {
      const sentences = [
        `${money(price.packagePrice)} for each package of ${formatQuantity(price.packageSize ?? '1')} units that is started.`,
      ];
      if (price.freeUnits !== null && !sameDecimal(price.freeUnits, '0'))
        sentences.unshift(`The first ${formatQuantity(price.freeUnits)} units are free.`);
      return sentences;
    }
  }
}

function tiers(all: readonly Tier[], money: (value: string) => string, model: 'graduated' | 'volume'): string[] {
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
    const unit = sameDecimal(tier.unitPrice, '0') ? 'free' : `${money(tier.unitPrice)} a unit`;
    const fee = sameDecimal(tier.flatFee, '0')
      ? ''
      : `, plus ${money(tier.flatFee)} ${model === 'graduated' ? 'once the tier is reached' : 'once'}`;
    return `${range}: ${unit}${fee}`;
  });
}

export function spellOutMeter(meter: Pick<Meter, 'aggregation' | 'property' | 'eventType'>): string {
  const property = meter.property ?? '?';
  switch (meter.aggregation) {
    case 'COUNT':
      return `counts the ${meter.eventType} events`;
    case 'SUM':
      return `adds up ${property} of the ${meter.eventType} events`;
    case 'MAX':
      return `takes the highest ${property} of the ${meter.eventType} events`;
    case 'UNIQUE_COUNT':
      return `counts the different values of ${property} in the ${meter.eventType} events`;
  }
}
