import type { MeterAggregation, PreviewQuery } from '../api/generated';
import { Big } from '../format/exact';

type Preview = PreviewQuery['preview'][number];

/** What goes on growing as the period does. A maximum, an average or a count of different values does not do so evenly. */
const SUMS: readonly MeterAggregation[] = ['COUNT', 'SUM'];

/** The quantity of each meter that the preview prices. */
export function meteredQuantities({ lines }: Pick<Preview, 'lines'>): (readonly [meter: string, quantity: string])[] {
  return [
    ...new Map(
      lines.flatMap(({ meter, quantity, kind }) =>
        meter !== null && kind === 'CHARGE' ? [[meter, quantity] as const] : [],
      ),
    ),
  ];
}

/** Quantities at the period's end if usage goes on as it has; of what is no sum, the quantity that it is now. */
export function atThisPace(
  preview: Pick<Preview, 'periodStart' | 'periodEnd' | 'lines'>,
  meters: readonly { key: string; aggregation: MeterAggregation }[],
  now: number | null,
): Record<string, string> {
  const [start, end] = [Date.parse(preview.periodStart), Date.parse(preview.periodEnd)];
  const past = now === null ? 0 : Math.min(Math.max(now - start, 0), end - start);
  const grows = new Set(meters.filter(({ aggregation }) => SUMS.includes(aggregation)).map(({ key }) => key));
  return Object.fromEntries(
    meteredQuantities(preview).map(([meter, quantity]) => [
      meter,
      past > 0 && grows.has(meter)
        ? new Big(quantity)
            .times(end - start)
            .div(past)
            .round(0)
            .toFixed()
        : quantity,
    ]),
  );
}
