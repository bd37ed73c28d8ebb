import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

// Loading the chart library takes a while on a busy machine.
configure({ asyncUtilTimeout: 10_000 });
afterEach(cleanup);

// jsdom implements the element without its modal behaviour.
HTMLDialogElement.prototype.showModal = function showModal() {
  this.open = true;
};
HTMLDialogElement.prototype.close = function close() {
  this.open = false;
};

// jsdom does no layout: charts get the size they ask for.
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
