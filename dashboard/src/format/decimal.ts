import { byKey, locale } from './locale';

/**
 * Quantities and money are decimal strings and are shown exactly, in the writing of the browser's language. They are never converted to JS
 * numbers: a double has about 15 digits, and an invoice must show all of them. Intl formats a decimal string digit by digit.
 */

/** What every browser of the last years can show, and more than the API's 12 decimal places: none is rounded off. */
const MAX_PLACES = 20;

const DECIMAL = /^[+-]?\d+(?:\.\d*)?$/;

export function isDecimal(text: string): boolean {
  return DECIMAL.test(text.trim());
}

function write(format: Intl.NumberFormat, value: string): string {
  return format
    .formatToParts(value.trim().replace(/\.$/, '') as Intl.StringNumericLiteral & number)
    .map((part) => (part.type === 'minusSign' ? '−' : part.value))
    .join('');
}

const numbers = byKey(
  () => new Intl.NumberFormat(locale(), { maximumFractionDigits: MAX_PLACES, signDisplay: 'negative' }),
);

/** "1234567.500" → "1,234,567.5" in English. Any other text is returned unchanged. */
export function formatQuantity(value: string): string {
  return isDecimal(value) ? write(numbers(''), value) : value;
}

/** A whole number of things, such as events. */
export function formatCount(value: number): string {
  return formatQuantity(String(value));
}

/** Decimal places of a currency by ISO 4217; two for a code that the browser does not know. */
export function minorUnits(currency: string): number {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

const moneys = byKey((currency) => {
  try {
    return new Intl.NumberFormat(locale(), {
      style: 'currency',
      currency,
      minimumFractionDigits: minorUnits(currency),
      maximumFractionDigits: MAX_PLACES,
      signDisplay: 'negative',
    });
  } catch {
    return null;
  }
});

/**
 * "1234.5", "USD" → "$1,234.50" in English. At least the currency's decimal places, and more if the value has more ("$0.015"): digits are
 * never dropped.
 */
export function formatMoney(value: string, currency: string): string {
  const format = moneys(currency);
  return isDecimal(value) && format ? write(format, value) : `${value} ${currency}`;
}

const percents = byKey(
  () =>
    new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: MAX_PLACES, signDisplay: 'negative' }),
);

/** A rate as a percentage: "0.029" → "2.9%" in English. The point is moved by two places in the text, so no digit changes. */
export function formatRate(value: string): string {
  return isDecimal(value) ? write(percents(''), value) : value;
}

/** "2.9" → "2.9%" in English. */
export function formatPercent(value: string): string {
  return isDecimal(value) ? formatRate(hundredth(value)) : value;
}

function hundredth(value: string): string {
  const [, sign = '', whole = '0', fraction = ''] = /^([+-]?)(\d+)\.?(\d*)$/.exec(value.trim()) ?? [];
  const digits = whole.padStart(3, '0');
  return `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}${fraction}`;
}

/** Whether two decimals are the same value: "49" and "49.00" are. */
export function sameDecimal(a: string, b: string): boolean {
  return canonical(a) === canonical(b);
}

export function isZero(value: string): boolean {
  return sameDecimal(value, '0');
}

function canonical(value: string): string {
  const match = /^([+-]?)0*(\d*?)(?:\.(\d*?)0*)?$/.exec(value.trim());
  if (!match) return value;
  const [, sign, whole, fraction] = match;
  const digits = (whole ?? '') + (fraction ? '.' + fraction : '');
  return digits === '' ? '0' : (sign === '-' ? '-' : '') + digits;
}

/** Only for places in a drawing, where double precision is enough. */
export function toPlotValue(value: string): number {
  const number = Number(value);
  return Number.isFinite(number) ? number : 0;
}
