import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

// A busy machine takes a while to load the chart library.
configure({ asyncUtilTimeout: 10_000 });
afterEach(cleanup);

// jsdom has the element without its modal behaviour.
HTMLDialogElement.prototype.showModal = function showModal() {
  this.open = true;
};
HTMLDialogElement.prototype.close = function close() {
  this.open = false;
};

// jsdom does no layout: charts get the size they ask for.
globalThis.ResizeObserver = class {
  observe() {
    // Nothing ever changes its size.
  }
  unobserve() {
    // See above.
  }
  disconnect() {
    // See above.
  }
};
