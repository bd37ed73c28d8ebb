// Money and quantities arrive as exact decimals in strings and stay strings: a JavaScript number would round them.

/** Groups the integer digits by thousands and keeps every other digit as it is. */
export function groupDigits(decimal: string): string {
  const match = /^(-?)(\d+)(\.\d+)?$/.exec(decimal);
  if (!match) return decimal;
  const [, sign, integer, fraction] = match;
  return `${sign}${integer!.replace(/\B(?=(\d{3})+$)/g, ',')}${fraction ?? ''}`;
}

export function formatMoney(amount: string, currency: string): string {
  return `${groupDigits(amount)} ${currency}`;
}

/** ISO instant → "2026-01-31 12:00 UTC". */
export function formatInstant(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
}

/** Half-open period, shown with its last day included. */
export function formatPeriod(start: string, end: string): string {
  const last = new Date(new Date(end).getTime() - 1);
  return `${start.slice(0, 10)} – ${last.toISOString().slice(0, 10)}`;
}

const hour = 3600 * 1000;

/** A range of full hours that holds the present. */
export function alignedRange(now: Date, hours: number): { from: string; to: string } {
  const to = Math.ceil((now.getTime() + 1) / hour) * hour;
  return { from: iso(to - hours * hour), to: iso(to) };
}

function iso(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}
