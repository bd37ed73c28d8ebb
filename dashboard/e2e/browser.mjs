/** Shared by the browser tests: the running platform's addresses, and a Chromium. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export { launch, picture, TIMEOUT } from './chromium.mjs';

const here = dirname(fileURLToPath(import.meta.url));

export const endpoints = JSON.parse(
  readFileSync(process.env.POLARIS_ENDPOINTS ?? join(here, '../../.polaris/endpoints.json'), 'utf8'),
);
export const base = process.env.POLARIS_URL ?? endpoints.resources.gateway.urls[0];
