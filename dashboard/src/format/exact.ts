import Big from 'big.js';

/** Exact arithmetic for what the API leaves to the page: sums of what it shows, and the preview of a price. Big rounds a quotient only. */
Big.DP = 12;
Big.RM = Big.roundHalfUp; // Half away from zero, as the rating engine.
Big.NE = -30;
Big.PE = 60;

export { Big };

export function sum(values: readonly string[]): string {
  return values.reduce((total, value) => total.plus(value), new Big(0)).toFixed();
}

export function difference(a: string, b: string): string {
  return new Big(a).minus(b).toFixed();
}
