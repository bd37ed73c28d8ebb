import { byKey, locale } from './locale';

/** Times are UTC instants on the wire and shown in the org's time zone. */

export type Timelike = string | number | Date;

export const MINUTE = 60_000;
export const QUARTER_HOUR = 15 * MINUTE;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A day of the calendar, "2026-11-24". */
export type CalendarDay = string;

const formats = byKey((key) => {
  const [timeZone, options] = JSON.parse(key) as [string, Intl.DateTimeFormatOptions];
  return new Intl.DateTimeFormat(locale(), { ...options, timeZone: knownZone(timeZone) });
});

function format(timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return formats(JSON.stringify([timeZone, options]));
}

/** The zone, or UTC if the browser's tz database lacks it. */
export function knownZone(timeZone: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return timeZone;
  } catch {
    return 'UTC';
  }
}

export function formatDate(value: Timelike, timeZone: string): string {
  return format(timeZone, { day: 'numeric', month: 'short', year: 'numeric' }).format(new Date(value));
}

export function formatDateTime(value: Timelike, timeZone: string): string {
  return format(timeZone, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  }).format(new Date(value));
}

export function formatDateTimeSeconds(value: Timelike, timeZone: string): string {
  return format(timeZone, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).format(new Date(value));
}

export function formatTime(value: Timelike, timeZone: string): string {
  return format(timeZone, { hour: '2-digit', minute: '2-digit' }).format(new Date(value));
}

export function formatDayMonth(value: Timelike, timeZone: string): string {
  return format(timeZone, { day: 'numeric', month: 'short' }).format(new Date(value));
}

export function isLocalMidnight(value: Timelike, timeZone: string): boolean {
  const { hour, minute, second } = wallClock(new Date(value).getTime(), timeZone);
  return hour === 0 && minute === 0 && second === 0;
}

/** An instant in the form of a `datetime-local` field, on the clock of the zone. */
export function toLocalField(instant: number, timeZone: string): string {
  const { year, month, day, hour, minute } = wallClock(instant, timeZone);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}`;
}

/** The instant of a `datetime-local` field's text, read on the clock of the zone; null for any other text. */
export function fromLocalField(text: string, timeZone: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(text)) return null;
  const wall = Date.parse(text + ':00Z');
  if (Number.isNaN(wall)) return null;
  const first = wall - offsetAt(wall, timeZone);
  return wall - offsetAt(first, timeZone);
}

/**
 * Formats a half-open period: [1 Oct 00:00, 1 Nov 00:00) is "1 Oct 2026 – 31 Oct 2026". A period that does not begin
 * and end at midnight is shown with times, an empty one (fees in advance, corrections) by its day.
 */
export function formatPeriod(start: Timelike, end: Timelike, timeZone: string): string {
  if (new Date(start).getTime() === new Date(end).getTime()) return `At ${formatDate(start, timeZone)}`;
  if (isLocalMidnight(start, timeZone) && isLocalMidnight(end, timeZone)) {
    const last = new Date(end).getTime() - 1;
    const [first, final] = [formatDate(start, timeZone), formatDate(last, timeZone)];
    return first === final ? first : `${first} – ${final}`;
  }
  return `${formatDateTime(start, timeZone)} – ${formatDateTime(end, timeZone)}`;
}

/** For reading, not for showing: digits that Number understands, whatever the language. */
const clocks = byKey(
  (timeZone) =>
    new Intl.DateTimeFormat('en-GB', {
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      timeZone: knownZone(timeZone),
    }),
);

type WallClock = { year: number; month: number; day: number; hour: number; minute: number; second: number };

function wallClock(instant: number, timeZone: string): WallClock {
  const parts = clocks(timeZone).formatToParts(instant);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  return {
    year: of('year'),
    month: of('month'),
    day: of('day'),
    hour: of('hour'),
    minute: of('minute'),
    second: of('second'),
  };
}

/** Milliseconds that the zone is ahead of UTC at an instant. */
function offsetAt(instant: number, timeZone: string): number {
  const clock = wallClock(instant, timeZone);
  const asUtc = Date.UTC(clock.year, clock.month - 1, clock.day, clock.hour, clock.minute, clock.second);
  return asUtc - Math.floor(instant / 1000) * 1000;
}

export function calendarDay(instant: number, timeZone: string): CalendarDay {
  const { year, month, day } = wallClock(instant, timeZone);
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

export function isCalendarDay(text: string | null | undefined): text is CalendarDay {
  if (!text || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const instant = Date.parse(text + 'T00:00:00Z');
  return !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(text);
}

export function addDays(day: CalendarDay, days: number): CalendarDay {
  return new Date(Date.parse(day + 'T00:00:00Z') + days * DAY).toISOString().slice(0, 10);
}

/** The first instant of a day in a zone. When a clock change skips midnight, the instant of the change. */
export function startOfDay(day: CalendarDay, timeZone: string): number {
  const midnight = Date.parse(day + 'T00:00:00Z');
  // The offset must be that of the result, not of UTC midnight: two rounds converge, unless midnight does not exist.
  const first = midnight - offsetAt(midnight, timeZone);
  const second = midnight - offsetAt(first, timeZone);
  if (calendarDay(second, timeZone) === day) return second;
  return Math.max(first, second);
}
