/**
 * Quantities and money are decimal strings and are shown exactly. They are never converted to JS numbers: a double
 * has about 15 digits, and an invoice must show all of them.
 */

type Parts = { negative: boolean; whole: string; fraction: string };

function split(value: string): Parts | null {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(value.trim());
  if (!match) return null;
  return {
    negative: match[1] === '-',
    whole: (match[2] ?? '0').replace(/^0+(?=\d)/, ''),
    fraction: match[3] ?? '',
  };
}

function group(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, ',');
}

function isZero({ whole, fraction }: Parts): boolean {
  return whole === '0' && /^0*$/.test(fraction);
}

/** "1234567.500" → "1,234,567.5". Any other text is returned unchanged. */
export function formatQuantity(value: string): string {
  const parts = split(value);
  if (!parts) return value;
  const fraction = parts.fraction.replace(/0+$/, '');
  const sign = parts.negative && !isZero(parts) ? '−' : '';
  return sign + group(parts.whole) + (fraction ? '.' + fraction : '');
}

/** Decimal places of a currency by ISO 4217; two for a code that the browser does not know. */
export function minorUnits(currency: string): number {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

function symbolOf(currency: string): string {
  try {
    const parts = new Intl.NumberFormat('en', { style: 'currency', currency }).formatToParts(0);
    return parts.find((part) => part.type === 'currency')?.value ?? currency;
  } catch {
    return currency;
  }
}

/**
 * "1234.5", "USD" → "$1,234.50". At least the currency's decimal places, and more if the value has more ("$0.015"):
 * digits are never dropped.
 */
export function formatMoney(value: string, currency: string): string {
  const parts = split(value);
  if (!parts) return `${value} ${currency}`;
  const decimals = minorUnits(currency);
  const fraction = parts.fraction.replace(/0+$/, '').padEnd(decimals, '0');
  const symbol = symbolOf(currency);
  const sign = parts.negative && !isZero(parts) ? '−' : '';
  // A symbol of letters ("CHF") is separated from the digits.
  const gap = /\p{L}$/u.test(symbol) ? '\u00a0' : '';
  return sign + symbol + gap + group(parts.whole) + (fraction ? '.' + fraction : '');
}

/** Whether two decimals are the same value: "49" and "49.00" are. */
export function sameDecimal(a: string, b: string): boolean {
  return formatQuantity(a) === formatQuantity(b);
}

/** Only for the height of bars, where double precision is enough. */
export function toPlotValue(value: string): number {
  const number = Number(value);
  return Number.isFinite(number) ? number : 0;
}
