import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';
import { setLocale } from '../src/format/locale';

// Loading a page, and all that it imports, takes a while on a busy machine.
configure({ asyncUtilTimeout: 25_000 });
setLocale('en');
afterEach(cleanup);

// jsdom does no layout and no animation: charts get the size they ask for.
globalThis.ResizeObserver = class {
  observe() {
    // Sizes never change.
  }
  unobserve() {
    // See above.
  }
  disconnect() {
    // See above.
  }
};
Element.prototype.scrollIntoView = () => undefined;
