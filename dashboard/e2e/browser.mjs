/** Shared by the browser tests: the running platform's addresses, and a Chromium. */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));

export const endpoints = JSON.parse(
  readFileSync(process.env.POLARIS_ENDPOINTS ?? join(here, '../../.polaris/endpoints.json'), 'utf8'),
);
export const base = process.env.POLARIS_URL ?? endpoints.resources.gateway.urls[0];

/** Timeout for a page to show something on a busy machine. */
export const TIMEOUT = 60_000;

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/** Takes a screenshot of the page if SCREENSHOTS names a folder. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
