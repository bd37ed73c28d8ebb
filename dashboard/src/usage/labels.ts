import type { MeterAggregation, UsageWindow } from '../api/schema';
import { formatDate, formatDateTime, isLocalMidnight } from '../format/time';

/** What a window is called: a day by its date, unless it does not begin at midnight (the clocks changed on the way). */
export function windowLabel(start: string, window: UsageWindow, timeZone: string): string {
  return window === 'DAY' && isLocalMidnight(start, timeZone)
    ? formatDate(start, timeZone)
    : formatDateTime(start, timeZone);
}

/** What the one number over the whole range is: windows of a maximum or of unique values do not add up to it. */
export function totalLabel(aggregation: MeterAggregation): string {
  switch (aggregation) {
    case 'COUNT':
    case 'SUM':
      return 'Total';
    case 'MAX':
      return 'Highest';
    case 'MIN':
      return 'Lowest';
    case 'AVERAGE':
      return 'Average';
    case 'LATEST':
      return 'Last value';
    case 'WEIGHTED_SUM':
      return 'Average over time';
    case 'UNIQUE_COUNT':
      return 'Different values';
  }
}

export const WINDOW_NAMES: Record<UsageWindow, string> = {
  QUARTER_HOUR: '15 minutes',
  HOUR: 'hour',
  DAY: 'day',
};
