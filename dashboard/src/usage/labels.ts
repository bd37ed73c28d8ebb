import type { MeterAggregation, UsageWindow } from '../api/schema';
import { formatDate, formatDateTime, isLocalMidnight } from '../format/time';

/** The label of a window: a day is shown by its date, unless a clock change moved its start off midnight. */
export function windowLabel(start: string, window: UsageWindow, timeZone: string): string {
  return window === 'DAY' && isLocalMidnight(start, timeZone)
    ? formatDate(start, timeZone)
    : formatDateTime(start, timeZone);
}

/** The label of the value over the whole range, which is not the sum of the windows for maxima or unique values. */
export function totalLabel(aggregation: MeterAggregation): string {
  switch (aggregation) {
    case 'COUNT':
    case 'SUM':
      return 'Total';
    case 'MAX':
      return 'Maximum';
    case 'MIN':
      return 'Minimum';
    case 'AVERAGE':
      return 'Average';
    case 'LATEST':
      return 'Last value';
    case 'WEIGHTED_SUM':
      return 'Average over time';
    case 'UNIQUE_COUNT':
      return 'Unique values';
  }
}

export const WINDOW_NAMES: Record<UsageWindow, string> = {
  QUARTER_HOUR: '15 minutes',
  HOUR: 'hour',
  DAY: 'day',
};
