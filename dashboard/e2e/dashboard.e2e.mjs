/**
 * The dashboard in a real browser against a running Polaris.
 *
 *   POLARIS_ENDPOINTS  the AppHost's file with URLs and the demo's sign-in (default ../.polaris/endpoints.json)
 *   POLARIS_URL        the gateway, where it is not the one in that file
 *   CHROMIUM           the browser (default /usr/bin/chromium)
 *   SCREENSHOTS        a folder for a picture of each page (none by default)
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { base, endpoints, launch, picture as pictureOf, TIMEOUT } from './browser.mjs';

let browser;
let page;
const complaints = [];
let copied = [];

before(async () => {
  browser = await launch();
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(TIMEOUT);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
});

after(() => browser?.close());

const picture = (name) => pictureOf(page, name);
const open = (label) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: label }).click();
const heading = (name) => page.getByRole('heading', { level: 1, name }).waitFor();

test('signs in through the sign-in page', async () => {
  const { demo } = endpoints;
  assert.ok(demo?.email && demo?.password, 'the endpoints file names no demo account');
  await page.goto(base);
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await picture('sign-in');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/account/login**');
  await page.fill('input[name=email]', demo.email);
  await page.fill('input[name=password]', demo.password);
  await page.click('button[type=submit]');
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  await page.getByText(demo.email).waitFor();
  await page.getByText('Every event is counted').waitFor();
  await picture('overview');
});

test('keeps the tokens where no script can read them', async () => {
  const [cookies, url] = [await page.context().cookies(), new URL(base)];
  const session = cookies.filter(({ name }) => name.includes('polaris.dashboard'));
  assert.ok(session.length > 0, 'there is no cookie of the session');
  for (const { name, httpOnly, sameSite, secure } of session)
    assert.deepEqual(
      { name, httpOnly, sameSite, secure },
      { name, httpOnly: true, sameSite: 'Strict', secure: url.protocol === 'https:' },
    );
  const readable = await page.evaluate(() => ({
    cookie: document.cookie,
    local: { ...window.localStorage },
    tab: { ...window.sessionStorage },
  }));
  assert.doesNotMatch(readable.cookie, /polaris\.dashboard/);
  // A token is long, whatever it is called; what the dashboard keeps is a colour scheme.
  assert.deepEqual(readable.tab, {});
  assert.doesNotMatch(JSON.stringify(readable), /token|eyJ|[\w-]{40}/);
});

test('shows a usage timeline that is not empty, as a chart and as a table', async () => {
  await open('Usage');
  await page.getByRole('button', { name: '30 d' }).click();
  const total = await page.getByTestId('usage-total').textContent();
  assert.match(total, /^[\d,.]+$/);
  assert.notEqual(total, '0');
  // The bars are redrawn whenever data arrives, so the test only waits for one; counting them would be a race.
  await page.locator('.bar-part').first().waitFor({ state: 'attached' });
  await picture('usage');
  await page.getByRole('button', { name: 'Table' }).click();
  const rows = page.getByRole('region', { name: 'Usage timeline' }).getByRole('row');
  await rows.first().waitFor();
  assert.ok((await rows.count()) >= 30, 'the table has too few rows');
});

test('opens an invoice and shows its lines and their explanation', async () => {
  await open('Invoices');
  await heading('Invoices');
  const invoices = page.getByRole('region', { name: 'Invoices' });
  await invoices.getByRole('link').first().waitFor();
  await picture('invoices');
  // The invoice with the highest total on the page has the most to explain.
  const rows = await invoices
    .getByRole('row')
    .filter({ has: page.getByRole('link') })
    .all();
  const totals = await Promise.all(
    rows.map(async (row) => Number((await row.locator('[data-label=Total]').textContent()).replace(/[^\d.]/g, ''))),
  );
  const link = rows[totals.indexOf(Math.max(...totals))].getByRole('link').first();
  const number = await link.textContent();
  await link.click();
  await heading(new RegExp(number));
  assert.match(await page.getByTestId('invoice-total').textContent(), /\d/);
  assert.ok((await page.getByTestId('invoice-line').count()) > 0, 'the invoice has no lines');
  await page.getByRole('button', { name: 'Explain all' }).click();
  const steps = page.locator('.explanation tbody tr');
  await steps.first().waitFor();
  assert.ok((await steps.count()) > 1, 'the lines are not explained');
});

test('recomputes the invoice from its events, with the identical result', async () => {
  await page.getByRole('button', { name: 'Recompute from events' }).click();
  await page.locator('.outcome').waitFor();
  assert.match(await page.locator('.outcome').textContent(), /Identical/);
  await picture('invoice');
});

test('shows recent events and finds one by its key', async () => {
  await open('Events');
  const rows = page.getByRole('region', { name: 'Recent events' }).locator('tbody').getByRole('row');
  await rows.first().waitFor();
  await picture('events');
  const key = await rows.first().locator('code').last().textContent();
  await page.getByRole('searchbox', { name: 'Idempotency key' }).fill(key);
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByTestId('found-event').getByText(key, { exact: true }).waitFor();
});

test('shows customers, plans, meters and API keys', async () => {
  await open('Customers');
  await page.getByRole('region', { name: 'Customers' }).getByRole('link').first().click();
  await page.getByRole('region', { name: 'Subscriptions' }).waitFor();
  await page.getByRole('region', { name: 'Running period' }).first().waitFor();
  await picture('customer');
  await open('Plans');
  await page.locator('.charges li').first().waitFor();
  await picture('plans');
  await open('Meters');
  await page.getByRole('region', { name: 'Meters' }).waitFor();
  await picture('meters');
  await open('API keys');
  await page.getByRole('region', { name: 'API keys' }).waitFor();
  await picture('api-keys');
});

test('keeps the session over a reload, in the dark and on a small screen', async () => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(new URL('usage?range=30d', base).href);
  await page.locator('.bar-part').first().waitFor({ state: 'attached' });
  await picture('usage-dark');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole('button', { name: 'Menu' }).waitFor();
  // The chart gets its new width from an observer, at least a frame after the screen is resized.
  await page.waitForFunction(() => document.documentElement.scrollWidth <= window.innerWidth);
  await picture('usage-small');
  await page.getByRole('button', { name: 'Menu' }).click();
  await open('Events');
  await page.getByRole('region', { name: 'Recent events' }).getByRole('row').nth(1).waitFor();
  await picture('events-small');
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
});

test('signs out', async () => {
  copied = (await page.context().cookies()).filter(({ name }) => name.includes('polaris.dashboard'));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  // The session of the sign-in page has ended too, so signing in requires the password again.
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/account/login**');
});

test('has no session after signing out, also with a copy of its cookie', async () => {
  const thief = await browser.newContext();
  await thief.addCookies(copied);
  const copy = await thief.newPage();
  await copy.goto(new URL('usage', base).href);
  await copy.getByRole('button', { name: 'Sign in' }).waitFor({ timeout: TIMEOUT });
  await thief.close();
});

test('leaves no errors or warnings in the console', () => {
  assert.deepEqual(complaints, []);
});
