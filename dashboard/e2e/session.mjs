/** Signing in by the sign-in page, and asking the API beside the pages. */
import assert from 'node:assert/strict';
import { base, TIMEOUT } from './browser.mjs';

/** Opens the dashboard, and signs in. */
export async function signIn(page, email, password) {
  await page.goto(new URL('sign-in', base).href);
  await page.getByRole('button', { name: /sign in/i }).click();
  await page.waitForURL('**/account/login**');
  await page.fill('input[name=email]', email);
  await page.fill('input[name=password]', password);
  await page.click('button[type=submit]');
  await page.getByRole('navigation', { name: 'Pages' }).waitFor({ timeout: TIMEOUT });
}

/** What the API answers to the bearer of a key or token. */
export async function ask(bearer, query, variables = {}) {
  const response = await fetch(new URL('graphql', base), {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

/** Waits until something holds, as long as a page may take. */
export async function until(what, holds) {
  const end = Date.now() + TIMEOUT;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${TIMEOUT / 1000} s`);
    await new Promise((go) => setTimeout(go, 100));
  }
}
