/** How figures and dates are written: the browser's language. The words are English. */
let current: string = typeof navigator === 'undefined' ? 'en' : navigator.language || 'en';

export function locale(): string {
  return current;
}

/** For tests, and for an embedded page that states its language. A text that is no language is ignored. */
export function setLocale(language: string): void {
  try {
    current = new Intl.NumberFormat(language).resolvedOptions().locale;
    for (const forget of caches) forget();
  } catch {
    // Not a language tag: the browser's stays.
  }
}

const caches: (() => void)[] = [];

/** A cache by key that is emptied when the language changes. */
export function byKey<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  caches.push(() => known.clear());
  return (key) => {
    let value = known.get(key);
    if (value === undefined) known.set(key, (value = make(key)));
    return value;
  };
}
