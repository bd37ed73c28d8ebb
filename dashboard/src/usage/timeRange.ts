import { addDays, calendarDay, DAY, HOUR, QUARTER_HOUR, startOfDay, type CalendarDay } from '../format/time';

/** Windows whose length is the same in every zone, but for a day that a clock change makes shorter or longer. */
export type UsageWindow = 'QUARTER_HOUR' | 'HOUR' | 'DAY';

export type RangePreset = '24h' | '7d' | '30d' | 'custom';

export type TimeRange = {
  /** Inclusive, a multiple of 15 minutes, in ms. */
  from: number;
  /** Exclusive, a multiple of 15 minutes, in ms. */
  to: number;
  window: UsageWindow;
};

/** Buckets are 15 minutes; the API accepts only multiples of that. */
export const BUCKET = QUARTER_HOUR;

/** With more bars, each would be thinner than a pixel. (The API's own limit is 5,000.) */
export const MAX_BARS = 800;

const WINDOWS: Record<UsageWindow, number> = { QUARTER_HOUR, HOUR, DAY };

export function windowLength(window: UsageWindow): number {
  return WINDOWS[window];
}

/** The end of the bucket that contains `now`, so that a range up to it includes current usage. */
export function bucketEnd(now: number): number {
  return Math.floor(now / BUCKET) * BUCKET + BUCKET;
}

export function pointCount(from: number, to: number, window: UsageWindow): number {
  return Math.ceil((to - from) / WINDOWS[window]);
}

/** The windows that a range can be shown in, smallest first. */
export function possibleWindows(from: number, to: number, most = MAX_BARS): UsageWindow[] {
  const all: UsageWindow[] = ['QUARTER_HOUR', 'HOUR', 'DAY'];
  const fitting = all.filter((window) => {
    const count = pointCount(from, to, window);
    return count <= most && (count > 1 || window === 'QUARTER_HOUR');
  });
  return fitting.length > 0 ? fitting : ['DAY'];
}

export function defaultWindow(from: number, to: number): UsageWindow {
  const span = to - from;
  if (span <= 6 * HOUR) return 'QUARTER_HOUR';
  return span <= 8 * DAY ? 'HOUR' : 'DAY';
}

/**
 * The range of a preset at `now`: 24 or 168 whole hours, or 30 calendar days of the org including the current one.
 */
export function presetRange(preset: Exclude<RangePreset, 'custom'>, now: number, timeZone: string): TimeRange {
  const to = bucketEnd(now);
  if (preset === '30d') {
    const first = addDays(calendarDay(now, timeZone), -29);
    return { from: startOfDay(first, timeZone), to, window: 'DAY' };
  }
  const hours = preset === '24h' ? 24 : 7 * 24;
  const thisHour = Math.floor(now / HOUR) * HOUR;
  return { from: thisHour - (hours - 1) * HOUR, to, window: 'HOUR' };
}

/** From the start of the first day to the end of the last one; null if the last day is before the first. */
export function customRange(first: CalendarDay, last: CalendarDay, timeZone: string): TimeRange | null {
  const from = startOfDay(first, timeZone);
  const to = startOfDay(addDays(last, 1), timeZone);
  if (to <= from) return null;
  return { from, to, window: defaultWindow(from, to) };
}

/** The API's format: ISO 8601 in UTC. */
export function toWire(instant: number): string {
  return new Date(instant).toISOString();
}
