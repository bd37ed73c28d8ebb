import { formatCount, formatMoney, formatQuantity } from '../format/decimal';
import { difference, sum } from '../format/exact';
import type { Recomputation } from './queries';

export type Difference = Recomputation['differences'][number];
export type Correcting = {
  id: string;
  number: string | null;
  status: string;
  lines: readonly { charge: string; amount: string; adjusts: { id: string } | null }[];
};

const FIELD_NAMES: Record<string, string> = {
  quantity: 'Quantity',
  unroundedAmount: 'Amount before rounding',
  amount: 'Amount',
  tax: 'Tax',
  eventCount: 'Events',
  eventDigest: 'Digest of the events',
};

export function fieldName(field: string): string {
  return FIELD_NAMES[field] ?? field;
}

export function figure({ field }: Difference, value: string, currency: string): string {
  switch (field) {
    case 'amount':
    case 'unroundedAmount':
    case 'tax':
      return formatMoney(value, currency);
    case 'eventCount':
      return formatCount(Number(value));
    case 'quantity':
      return formatQuantity(value);
    default:
      return value;
  }
}

/** A difference names its line by the charge, and then by its part of the period or what it corrects. */
function chargeOf(name: string): string {
  return name.replace(/(?: from \d{4}-\S+)?(?:, correction of .*)?$/, '');
}

/**
 * The later invoices whose correction lines amount to exactly what differs, charge by charge; null when something is not corrected (yet),
 * or corrected otherwise. A void invoice corrects nothing.
 */
export function correctedBy(
  invoiceId: string,
  differences: readonly Difference[],
  later: readonly Correcting[],
): Correcting[] | null {
  const correcting = later.filter(
    ({ status, lines }) => status !== 'VOID' && lines.some((line) => line.adjusts?.id === invoiceId),
  );
  if (correcting.length === 0) return null;
  const corrected = correcting.flatMap(({ lines }) => lines.filter((line) => line.adjusts?.id === invoiceId));
  const amounts = differences.filter(({ field }) => field === 'amount');
  const charges = new Set([...amounts.map(({ charge }) => chargeOf(charge)), ...corrected.map(({ charge }) => charge)]);
  for (const charge of charges) {
    const differs = sum(
      amounts.filter((one) => chargeOf(one.charge) === charge).map((one) => difference(one.recomputed, one.stored)),
    );
    const carried = sum(corrected.filter((line) => line.charge === charge).map(({ amount }) => amount));
    if (differs !== carried) return null;
  }
  return correcting;
}
