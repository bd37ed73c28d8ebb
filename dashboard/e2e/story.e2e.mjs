/**
 * A whole story in a real browser against a running Polaris: sign up, meter, plan, customer, subscription, events, the test clock, an invoice down
 * to its events, its documents, finalized, a late event, its correction, a credit note, a rotated key, the embedded page of the customer; and as a
 * viewer. The environment is that of dashboard.e2e.mjs.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { base, launch, picture as pictureOf, TIMEOUT } from './browser.mjs';

const email = `story-${randomUUID()}@example.org`;
const password = `a story ${randomUUID()}`;

let browser;
let page;
let key;
const complaints = [];
before(async () => {
  browser = await launch();
  page = await browser.newPage({
    viewport: { width: 1280, height: 900 },
    timezoneId: 'Europe/Berlin',
    locale: 'en-US',
  });
  page.setDefaultTimeout(TIMEOUT);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
});
after(() => browser?.close());

const picture = (name) => pictureOf(page, `story-${name}`);
const open = (label) =>
  page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: label, exact: true }).click();
const dialog = () => page.getByRole('dialog');
const press = (name, within = page) => within.getByRole('button', { name, exact: true }).click();
const gone = () => dialog().waitFor({ state: 'detached' });

/** A day of this month or a later one, as a `datetime-local` field has it. */
function monthDay(offset, day) {
  const now = new Date();
  const at = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, day));
  return `${at.toISOString().slice(0, 10)}T00:00`;
}

async function ingest(events) {
  const response = await fetch(new URL('ingest', base), {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  assert.equal(response.status, 202, await response.text());
}

async function signIn(who, secret) {
  await page.getByRole('button', { name: /sign in/i }).click();
  await page.waitForURL('**/account/login**');
  await page.fill('input[name=email]', who);
  await page.fill('input[name=password]', secret);
  await page.click('button[type=submit]');
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
}

test('signs up, and gets an API key and a checklist', async () => {
  await page.goto(new URL('sign-up', base).href);
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByLabel('Name of the org').fill('Story Maps');
  await page.getByLabel('Currency').selectOption('EUR');
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  await press('Create org');
  key = await page.getByTestId('secret').textContent();
  await signIn(email, password);
  await page.getByText('From nothing to the first invoice').waitFor();
  await picture('checklist');
});

test('creates a meter, a plan, a customer and its subscription', async () => {
  await page.getByRole('link', { name: 'Create a meter' }).click();
  await press('Create meter');
  await dialog().getByLabel('Name').fill('Tiles');
  await dialog().getByLabel('Key').fill('tiles');
  await dialog().getByLabel('Type of the events').fill('map.tile');
  await dialog().getByLabel('Quantity').selectOption('SUM');
  await dialog().getByLabel('Property', { exact: true }).fill('tiles');
  await press('Create meter', dialog());
  await gone();

  await open('Plans');
  await page.getByRole('link', { name: 'Create plan' }).click();
  await page.getByLabel('Name').first().fill('Basic');
  await page.getByLabel('Key').first().fill('basic');
  await page.getByLabel('Name').nth(1).fill('Monthly fee');
  await page.getByLabel('Key').nth(1).fill('fee');
  await page.getByLabel('Amount', { exact: true }).fill('9.00');
  await press('Add a price of a meter');
  await page.getByLabel('Name').nth(2).fill('Tiles');
  await page.getByLabel('Key').nth(2).fill('tiles');
  await page.getByLabel('Meter', { exact: true }).selectOption('tiles');
  await page.getByLabel('Price', { exact: true }).selectOption('GRADUATED');
  await press('Add a tier');
  await page.getByLabel('Tier 1: up to').fill('1000');
  await page.getByLabel('Tier 2: unit price').fill('0.004');
  await page.getByLabel('A quantity to try').fill('1750.5');
  await page.getByText('€3.00', { exact: true }).first().waitFor();
  await picture('plan');
  await press('Create plan');
  await page.getByText('Above 1,000: €0.004 a unit').waitFor();

  await open('Customers');
  await press('Create customer');
  await dialog().getByLabel('Key').fill('globex');
  await dialog().getByLabel('Name').fill('Globex');
  await press('Create customer', dialog());
  await page.getByRole('heading', { level: 1, name: 'Globex' }).waitFor();
  await press('Subscribe to a plan');
  await dialog().getByLabel('Start').fill(monthDay(0, 1));
  await press('Subscribe', dialog());
  await gone();
  await page.getByRole('region', { name: 'Subscriptions' }).getByText('Active').waitFor();
});

test('sees events arrive, and what they cost so far', async () => {
  await open('Events');
  await page.getByText('No events yet').waitFor();
  await ingest([
    { idempotency_key: 'order-1', type: 'map.tile', customer: 'globex', properties: { tiles: 1500 } },
    { idempotency_key: 'order-2', type: 'map.tile', customer: 'globex', properties: { tiles: 250.5 } },
  ]);
  await page.getByRole('region', { name: 'Recent events' }).getByText('order-2').waitFor();
  await picture('events');
  await open('Customers');
  await page.getByRole('link', { name: 'Globex' }).click();
  await page.getByText('€12.00 so far').waitFor();
  await picture('customer');
});

test('ends the month by the test clock, and reads the invoice down to an event', async () => {
  await open('Settings');
  await press('Move the clock');
  await dialog().getByLabel('To').fill(monthDay(1, 3));
  await press('Move', dialog());
  await gone();
  await page.getByText('is on a test clock').waitFor();
  await open('Invoices');
  await page.getByRole('link', { name: 'Draft' }).waitFor();
  await page.getByRole('link', { name: 'Draft' }).click();
  assert.equal(await page.getByTestId('invoice-total').textContent(), '€12.00');
  await press('Explain Tiles');
  await page.getByText('750.5 × €0.004').waitFor();
  await press('Show the events');
  await page.getByRole('link', { name: 'order-1' }).waitFor();
  await picture('invoice');
});

test('has its documents', async () => {
  for (const [name, type] of [
    ['PDF', 'application/pdf'],
    ['Page', 'text/html'],
    ['CSV', 'text/csv'],
  ]) {
    const href = await page.getByRole('link', { name, exact: true }).getAttribute('href');
    const answer = await page.evaluate(async (url) => {
      const response = await fetch(url, { headers: { 'polaris-session': '1' } });
      return { status: response.status, type: response.headers.get('content-type') };
    }, href);
    assert.equal(answer.status, 200, name);
    assert.ok(answer.type.startsWith(type), `${name} is ${answer.type}`);
  }
});

test('finalizes and proves it, and says in green that a late event is corrected', async () => {
  await press('Finalize');
  await press('Finalize invoice', dialog());
  await page.getByRole('heading', { level: 1, name: /INV-00000001/ }).waitFor();
  await press('Recompute from events');
  await page.getByText('Identical').waitFor();
  const address = page.url();
  await ingest([
    {
      idempotency_key: 'order-3',
      type: 'map.tile',
      customer: 'globex',
      timestamp: `${monthDay(0, 28)}:00Z`,
      properties: { tiles: 1000 },
    },
  ]);
  // The correction is on the next invoice, when its period ends.
  await open('Settings');
  await press('Move the clock');
  await dialog().getByLabel('To').fill(monthDay(2, 3));
  await press('Move', dialog());
  await gone();
  await open('Invoices');
  await page.getByRole('link', { name: 'Draft' }).click();
  await page
    .getByText(/correction of INV-00000001/)
    .first()
    .waitFor();
  await picture('correction');
  await page.goto(address);
  await press('Recompute from events');
  await page.locator('.outcome-same').getByText('Right, and corrected since').waitFor();
  await picture('corrected');
});

test('credits a part, and takes the payment of the rest', async () => {
  await press('More actions');
  await page.getByRole('menuitem', { name: 'Credit note …' }).click();
  await dialog().getByLabel('Amount in EUR').fill('100');
  await dialog().getByLabel('Reason').fill('goodwill');
  await press('Create credit note', dialog());
  await dialog().getByRole('alert').waitFor();
  await dialog().getByLabel('Amount in EUR').fill('2');
  await press('Create credit note', dialog());
  await gone();
  await page.getByText('CN-00000001').waitFor();
  await press('Mark as paid');
  await press('Mark as paid', dialog());
  await gone();
  await page.getByText('Paid', { exact: true }).first().waitFor();
});

test('rotates the key, whose new secret works', async () => {
  await open('API keys');
  await page
    .getByRole('button', { name: /^Actions for/ })
    .first()
    .click();
  await page.getByRole('menuitem', { name: 'Rotate …' }).click();
  await dialog().getByLabel('The previous secret works').selectOption('0');
  await press('Rotate', dialog());
  key = await page.getByTestId('secret').textContent();
  await press('I have stored it');
  await ingest([{ idempotency_key: 'order-4', type: 'map.tile', customer: 'globex', properties: { tiles: 1 } }]);
});

test('shows the customer its own invoices, and those of no other', async () => {
  await open('Customers');
  await page.getByRole('link', { name: 'Globex' }).click();
  await press('Try the customer’s page');
  const link = await page.getByRole('link', { name: 'Open the customer’s page' }).getAttribute('href');
  const context = await browser.newContext();
  const embedded = await context.newPage();
  await embedded.goto(new URL(link, base).href);
  await embedded.getByText('INV-00000001').waitFor({ timeout: TIMEOUT });
  assert.doesNotMatch(embedded.url(), /token/);
  await pictureOf(embedded, 'story-embed');
  await context.close();
});

test('invites a viewer, who sees everything and changes nothing', async () => {
  await open('Members');
  await press('Invite');
  const viewer = `viewer-${randomUUID()}@example.org`;
  await dialog().getByLabel('E-mail').fill(viewer);
  await press('Create the invitation', dialog());
  const link = await page.getByTestId('secret').textContent();
  await press('I have passed it on');
  await press('Sign out');
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await page.goto(link);
  await page.getByLabel('Password').fill(`${password} too`);
  await press('Accept');
  await page.getByText('Your role is viewer.').waitFor();
  await signIn(viewer, `${password} too`);
  await open('Invoices');
  await page.getByRole('link', { name: 'INV-00000001' }).click();
  await page.getByTestId('invoice-total').waitFor();
  assert.equal(await page.getByRole('button', { name: /credit|void|paid|recompute/i }).count(), 0);
  await picture('viewer');
});

test('leaves no error in the console', () => {
  assert.deepEqual(complaints, []);
});
