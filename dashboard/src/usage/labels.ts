import type { MeterAggregation, ReportWindow } from '../api/generated';
import { formatDate, formatDateTime, formatDayMonth, formatTime, isLocalMidnight } from '../format/time';

/** The label of a window: a day is shown by its date, unless a clock change moved its start off midnight. */
export function windowLabel(start: string, window: ReportWindow, timeZone: string): string {
  const whole = window === 'DAY' || window === 'WEEK' || window === 'MONTH' || window === 'TOTAL';
  return whole && isLocalMidnight(start, timeZone) ? formatDate(start, timeZone) : formatDateTime(start, timeZone);
}

/** The short label below an axis: the day where one begins or the range has many, else the time. */
export function tickLabel(start: string, days: number, timeZone: string): string {
  return days > 2 || isLocalMidnight(start, timeZone) ? formatDayMonth(start, timeZone) : formatTime(start, timeZone);
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

/** Whether the quantities of parts add up to that of the whole. */
export function addsUp(aggregation: MeterAggregation): boolean {
  return aggregation === 'COUNT' || aggregation === 'SUM';
}

export const WINDOW_NAMES: Record<ReportWindow, string> = {
  QUARTER_HOUR: '15 minutes',
  HOUR: 'hour',
  DAY: 'day',
  WEEK: 'week',
  MONTH: 'month',
  TOTAL: 'whole range',
};
