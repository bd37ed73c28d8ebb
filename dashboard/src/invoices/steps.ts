import type { InvoiceLineKind } from '../api/generated';
import { formatMoney, formatQuantity, formatRate, isZero, sameDecimal } from '../format/decimal';

export type Step = {
  label: string;
  quantity: string;
  unitPrice: string;
  divisor: string;
  amount: string;
  children?: readonly Step[];
};

/** The kinds of lines, as an invoice's reader calls them. */
export const KIND_NAMES: Record<InvoiceLineKind, string> = {
  CHARGE: 'charge',
  ADJUSTMENT: 'adjustment',
  COMMITMENT: 'commitment',
  MINIMUM: 'minimum',
  MAXIMUM: 'maximum',
  DISCOUNT: 'discount',
  TAX: 'tax',
};

/**
 * Steps whose price is a rate, by the labels that the rating engine gives them: a share of an amount (percentage prices and discounts, which
 * stand after "name: " or "In advance: "), and a tax on or contained in an amount.
 */
const RATES = /(^|: )(Share of |On [\d.-]+$|Contained in [\d.-]+$)/;

/** A tier's own step. Of a graduated percentage its price is a rate, of other models a price: the label does not say which. */
const TIERS = /(^|: )Above [\d.-]+( up to [\d.-]+)?$/;

/** @param byTier Whether the line's charge has a graduated percentage. */
export function isRate(step: Step, byTier: boolean): boolean {
  return RATES.test(step.label) || (byTier && TIERS.test(step.label));
}

/** Units that cost nothing and need no arithmetic, such as included ones. */
function isFree(step: Step): boolean {
  return isZero(step.unitPrice) && isZero(step.amount);
}

/**
 * The arithmetic of a step, complete: `quantity × price ÷ divisor`. Empty where the amount is the sum of the steps below. A step's amount is
 * exact to 12 decimal places, and so is its price: neither is rounded here.
 */
export function arithmeticOf(step: Step, currency: string, byTier = false): string {
  if (step.children && step.children.length > 0) return `${formatQuantity(step.quantity)} in all`;
  const rate = isRate(step, byTier);
  const quantity = rate ? formatMoney(step.quantity, currency) : formatQuantity(step.quantity);
  if (isFree(step)) return `${quantity} free`;
  const price = rate ? formatRate(step.unitPrice) : formatMoney(step.unitPrice, currency);
  const divisor = sameDecimal(step.divisor, '1')
    ? ''
    : ` ÷ ${rate ? formatRate(step.divisor) : formatQuantity(step.divisor)}`;
  return `${quantity} × ${price}${divisor}`;
}

/** Steps with their depth, in the order in which they are read. */
export function flatten(steps: readonly Step[], depth = 0): { step: Step; depth: number }[] {
  return steps.flatMap((step) => [{ step, depth }, ...flatten(step.children ?? [], depth + 1)]);
}
