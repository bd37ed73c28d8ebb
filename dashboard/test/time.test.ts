import { describe, expect, it } from 'vitest';
import { addDays, calendarDay, formatDateTime, formatPeriod, isCalendarDay, startOfDay } from '../src/format/time';
import { setLocale } from '../src/format/locale';
import {
  bucketEnd,
  customRange,
  pointCount,
  possibleWindows,
  presetRange,
  toWire,
  windowLength,
} from '../src/usage/timeRange';
import { windowLabel } from '../src/usage/labels';

const at = (text: string) => Date.parse(text);
const QUARTER = 15 * 60_000;
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Chatham', 'America/Sao_Paulo'];

setLocale('en-GB');

describe('days of a zone', () => {
  it.each([
    ['2026-11-24', 'UTC', '2026-11-24T00:00:00.000Z'],
    ['2026-11-24', 'Asia/Kathmandu', '2026-11-23T18:15:00.000Z'],
    ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z'],
    ['2026-03-30', 'Europe/Berlin', '2026-03-29T22:00:00.000Z'],
    ['2026-10-26', 'Europe/Berlin', '2026-10-25T23:00:00.000Z'],
    ['2026-01-01', 'Pacific/Kiritimati', '2025-12-31T10:00:00.000Z'],
    ['2026-01-01', 'Pacific/Pago_Pago', '2026-01-01T11:00:00.000Z'],
  ])('%s begins in %s at %s', (day, zone, instant) => {
    expect(toWire(startOfDay(day, zone))).toBe(instant);
  });

  it('begins a day whose midnight the clocks skip at the skip', () => {
    // Santiago, 6 September 2026: 00:00 does not exist, 01:00 is the first instant.
    const start = startOfDay('2026-09-06', 'America/Santiago');
    expect(toWire(start)).toBe('2026-09-06T04:00:00.000Z');
    expect(calendarDay(start, 'America/Santiago')).toBe('2026-09-06');
    expect(calendarDay(start - 1, 'America/Santiago')).toBe('2026-09-05');
  });

  it('tiles two years without gap or overlap, in every zone', () => {
    for (const zone of ZONES) {
      let day = '2025-12-30';
      for (let count = 0; count < 735; count++) {
        const [start, end] = [startOfDay(day, zone), startOfDay(addDays(day, 1), zone)];
        expect(calendarDay(start, zone)).toBe(day);
        expect(calendarDay(end - 1, zone)).toBe(day);
        expect(start % QUARTER).toBe(0);
        day = addDays(day, 1);
      }
    }
  });

  it('takes only real days', () => {
    expect(['2026-02-28', '2026-02-29', '2028-02-29', '2026-13-01', '26-01-01', '', null].map(isCalendarDay)).toEqual([
      true,
      false,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('ranges of the timeline', () => {
  const nows = ['2026-11-24T12:23:00Z', '2026-11-24T12:00:00Z', '2026-03-29T01:59:59.999Z', '2026-10-25T00:30:00Z'];

  it('are multiples of 15 minutes and hold the present, in every zone', () => {
    for (const now of nows.map(at)) {
      for (const zone of ZONES) {
        for (const preset of ['24h', '7d', '30d'] as const) {
          const { from, to, window } = presetRange(preset, now, zone);
          expect(from % QUARTER).toBe(0);
          expect(to % QUARTER).toBe(0);
          expect(from).toBeLessThan(now);
          expect(to).toBeGreaterThan(now);
          expect(to - now).toBeLessThanOrEqual(QUARTER);
          expect(possibleWindows(from, to)).toContain(window);
        }
      }
    }
  });

  it('have a bar for each hour of 24 h and 7 d, and for each day of 30 d', () => {
    const counts = (['24h', '7d', '30d'] as const).map((preset) => {
      const { from, to, window } = presetRange(preset, at('2026-11-24T12:23:00Z'), 'UTC');
      return pointCount(from, to, window);
    });
    expect(counts).toEqual([24, 168, 30]);
  });

  it('go from the first day through the last one', () => {
    expect(customRange('2026-11-01', '2026-11-02', 'Europe/Berlin')).toEqual({
      from: at('2026-10-31T23:00:00Z'),
      to: at('2026-11-02T23:00:00Z'),
      window: 'HOUR',
    });
    expect(customRange('2026-11-02', '2026-11-01', 'UTC')).toBeNull();
    expect(customRange('2026-01-01', '2026-06-30', 'UTC')?.window).toBe('DAY');
  });

  it('offer only windows that give two bars or more, and not too many', () => {
    const day = customRange('2026-11-01', '2026-11-01', 'UTC');
    const year = customRange('2026-01-01', '2026-12-31', 'UTC');
    expect(day && possibleWindows(day.from, day.to)).toEqual(['QUARTER_HOUR', 'HOUR']);
    expect(year && possibleWindows(year.from, year.to)).toEqual(['DAY']);
  });

  it('end with the bucket in progress', () => {
    expect(toWire(bucketEnd(at('2026-11-24T12:14:59.999Z')))).toBe('2026-11-24T12:15:00.000Z');
    expect(toWire(bucketEnd(at('2026-11-24T12:15:00Z')))).toBe('2026-11-24T12:30:00.000Z');
    expect(windowLength('DAY') / windowLength('QUARTER_HOUR')).toBe(96);
  });
});

describe('words for times', () => {
  it('say of an invoice without a period of its own what it is for', () => {
    expect(formatPeriod('2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z', 'UTC')).toBe('At 1 Nov 2026');
  });

  it('show a period of whole days by its first and last day', () => {
    expect(formatPeriod('2026-10-01T00:00:00Z', '2026-11-01T00:00:00Z', 'UTC')).toBe('1 Oct 2026 – 31 Oct 2026');
    expect(formatPeriod('2026-09-30T22:00:00Z', '2026-10-31T23:00:00Z', 'Europe/Berlin')).toBe(
      '1 Oct 2026 – 31 Oct 2026',
    );
    expect(formatPeriod('2026-10-01T00:00:00Z', '2026-10-02T00:00:00Z', 'UTC')).toBe('1 Oct 2026');
  });

  it('show the times of any other period', () => {
    expect(formatPeriod('2026-10-01T00:00:00Z', '2026-11-01T00:00:00Z', 'Europe/Berlin')).toBe(
      '1 Oct 2026, 02:00 – 1 Nov 2026, 01:00',
    );
  });

  it('are in the given zone, not in that of the machine', () => {
    expect(process.env.TZ).toBe('Pacific/Auckland');
    expect(formatDateTime('2026-11-24T12:23:00Z', 'America/New_York')).toBe('24 Nov 2026, 07:23');
    expect(formatDateTime('2026-11-24T12:23:00Z', 'No/Such_Zone')).toBe('24 Nov 2026, 12:23');
  });

  it('name a day by its date unless the clocks moved it off midnight', () => {
    expect(windowLabel('2026-10-24T22:00:00Z', 'DAY', 'Europe/Berlin')).toBe('25 Oct 2026');
    expect(windowLabel('2026-10-25T22:00:00Z', 'DAY', 'Europe/Berlin')).toBe('25 Oct 2026, 23:00');
  });
});
