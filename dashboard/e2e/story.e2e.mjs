/**
 * A whole story in a real browser against a running Polaris: sign up, meter, plan, customer, subscription, threshold, webhook, events, the test
 * clock, an invoice down to its events, its documents, finalized, a late event, its correction, a credit note, a webhook resent, a rotated key,
 * the customer's page in the product's own and in nobody else's; and as a viewer, in the role billing and from another org. The environment is
 * that of dashboard.e2e.mjs.
 */
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { base, launch, picture as pictureOf, TIMEOUT } from './browser.mjs';
import { ask, signIn as signInAs, until } from './session.mjs';

const email = `story-${randomUUID()}@example.org`;
const password = `a story ${randomUUID()}`;

let browser;
let page;
let key;
let org;
let invoiceAt;
const complaints = [];

/** A server of the org's own, on a free port of this machine. */
async function serve(answer) {
  const server = createServer(answer);
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address();
  return { server, origin: `http://127.0.0.1:${port}` };
}

/** What the webhooks brought. Those of the type that is down are not accepted. */
const received = [];
let down = null;
let hooks;
/** The product's page with the elements and the frame, and the same page of somebody else. */
let product;
let stranger;
let embedded = '';
before(async () => {
  hooks = await serve((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      const event = JSON.parse(body);
      received.push({ headers: request.headers, body, event });
      if (event.type === down) response.writeHead(503).end('not now');
      else response.end('thank you');
    });
  });
  [product, stranger] = await Promise.all(
    [0, 1].map(() =>
      serve((request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(embedded);
      }),
    ),
  );
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
after(async () => {
  await browser?.close();
  for (const each of [hooks, product, stranger]) each?.server.close();
});

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

test('signs up, and gets an API key and a checklist', async () => {
  await page.goto(new URL('sign-up', base).href);
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByLabel('Name of the org').fill('Story Maps');
  await page.getByLabel('Currency').selectOption('EUR');
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  await press('Create org');
  key = await page.getByTestId('secret').textContent();
  await signInAs(page, email, password);
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
  // The editor's preview has the same words.
  await page.getByRole('heading', { level: 1, name: 'Plans' }).waitFor();
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

test('asks to be told of a threshold, and where to', async () => {
  await open('Thresholds');
  await press('Create threshold');
  await dialog().getByLabel('Name').fill('Many tiles');
  await dialog().getByLabel('Key').fill('many-tiles');
  await dialog().getByLabel('Announced at').fill('1000');
  await press('Create threshold', dialog());
  await gone();

  await open('Webhooks');
  await press('Create endpoint');
  await dialog().getByLabel('URL').fill(`${hooks.origin}/polaris`);
  await press('Create endpoint', dialog());
  const secret = await page.getByTestId('secret').textContent();
  await press('I have stored it');
  await gone();
  await page.getByRole('button', { name: /^Actions for http/ }).click();
  await page.getByRole('menuitem', { name: 'Send a test …' }).click();
  await press('Send', dialog());
  await dialog().getByText('thank you').waitFor();
  await picture('webhook-test');
  await press('Close', dialog());
  const [first] = received;
  assert.equal(first.event.type, 'test');
  const signed = `${first.headers['webhook-id']}.${first.headers['webhook-timestamp']}.${first.body}`;
  const bytes = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  assert.ok(
    first.headers['webhook-signature']
      .split(' ')
      .includes(`v1,${createHmac('sha256', bytes).update(signed).digest('base64')}`),
    'the secret does not verify the webhook',
  );
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
  await open('Thresholds');
  await page.getByRole('region', { name: 'Reached thresholds' }).getByText('Many tiles').waitFor();
  await picture('threshold');
  await until('the webhook of the threshold', () =>
    received.some(({ event }) => event.type === 'usage.threshold_crossed' && event.data.customer === 'globex'),
  );
  // At this pace the month costs no less than so far.
  await open('Overview');
  await page.getByTestId('forecast').waitFor();
  await picture('overview');
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
  down = 'invoice.finalized';
  await press('Finalize');
  await press('Finalize invoice', dialog());
  await page.getByRole('heading', { level: 1, name: /INV-00000001/ }).waitFor();
  await press('Recompute from events');
  await page.getByText('Identical').waitFor();
  const address = (invoiceAt = page.url());
  await ingest([
    {
      idempotency_key: 'order-3',
      type: 'map.tile',
      customer: 'globex',
      timestamp: `${monthDay(0, 28)}:00Z`,
      properties: { tiles: 1000 },
    },
  ]);
  // On a test clock a month ends in an instant: what counts by then is on its invoice.
  await until('the late event being counted', async () => {
    const { usage } = await ask(
      key,
      'query($from: DateTime!, $to: DateTime!) { usage(meter: "tiles", customer: "globex", from: $from, to: $to) { quantity } }',
      { from: `${monthDay(0, 1)}:00Z`, to: `${monthDay(1, 1)}:00Z` },
    );
    return usage.quantity === '2750.5';
  });
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

test('sends the webhook again that failed', async () => {
  const finalized = () => received.filter(({ event }) => event.type === 'invoice.finalized');
  await until('the webhook of the invoice', () => finalized().length > 0);
  await open('Deliveries');
  await page.getByLabel('Event', { exact: true }).selectOption('invoice.finalized');
  await press('invoice.finalized');
  await dialog().getByText('not now').first().waitFor();
  await picture('delivery-failed');
  down = null;
  const before = finalized().length;
  await press('Resend', dialog());
  await dialog().getByText('thank you').waitFor();
  await dialog().getByText('Delivered').waitFor();
  await picture('delivery');
  await press('Close', dialog());
  await until('the webhook again', () => finalized().length > before);
  assert.equal(new Set(finalized().map(({ headers }) => headers['webhook-id'])).size, 1, 'a new id at a new try');
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

test('shows the customer its own invoices, in the product’s pages and in nobody else’s', async () => {
  await open('Customers');
  await page.getByRole('link', { name: 'Globex' }).click();
  await press('Try the customer’s page');
  const link = new URL(await page.getByRole('link', { name: 'Open the customer’s page' }).getAttribute('href'), base);
  org = link.searchParams.get('org');
  const alone = await browser.newPage();
  alone.setDefaultTimeout(TIMEOUT);
  await alone.goto(link.href);
  await alone.getByText('INV-00000001').waitFor();
  assert.doesNotMatch(alone.url(), /token/);
  await pictureOf(alone, 'story-embed');
  await alone.close();

  await open('Settings');
  await page
    .locator('section', { has: page.getByRole('heading', { name: 'In your product' }) })
    .getByRole('button', { name: 'Change' })
    .click();
  await dialog().getByLabel('Origins, one a line').fill(product.origin);
  await press('Save', dialog());
  await gone();
  await page.getByRole('list', { name: 'Origins' }).getByText(product.origin).waitFor();

  const token = new URLSearchParams(link.hash.slice(1)).get('token');
  embedded = `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Product</title>
    <script type="module" src="${new URL('embed/polaris.js', base).href}"></script>
    <polaris-usage token="${token}"></polaris-usage>
    <polaris-invoices token="${token}"></polaris-invoices>
    <iframe title="Account" width="800" height="500" src="${link.href}"></iframe></html>`;
  // The gateway may know the list of a few seconds ago.
  await until('the frame’s rule', async () =>
    (await fetch(new URL(`embed/portal.html?org=${org}`, base))).headers
      .get('content-security-policy')
      .includes(`frame-ancestors ${product.origin}`),
  );
  const own = await browser.newPage();
  own.setDefaultTimeout(TIMEOUT);
  await own.goto(product.origin);
  await own.locator('polaris-invoices').getByText('INV-00000001').waitFor();
  await own
    .locator('polaris-usage')
    .getByText('Tiles')
    .or(own.locator('polaris-usage').getByText('tiles'))
    .first()
    .waitFor();
  await own.frameLocator('iframe').getByText('INV-00000001').waitFor();
  await pictureOf(own, 'story-product');
  const [download] = await Promise.all([
    own.waitForEvent('download'),
    own.locator('polaris-invoices').getByRole('button', { name: 'PDF of INV-00000001' }).click(),
  ]);
  assert.equal(download.suggestedFilename(), 'INV-00000001.pdf');
  await own.close();

  const other = await browser.newPage();
  other.setDefaultTimeout(TIMEOUT);
  const framed = [];
  other.on('console', (message) => framed.push(message.text()));
  await other.goto(stranger.origin);
  await other.locator('polaris-invoices').getByRole('alert').waitFor();
  await other.locator('polaris-usage').getByRole('alert').waitFor();
  assert.equal(await other.locator('polaris-invoices').getByText('INV-00000001').count(), 0);
  await until('the frame’s refusal', () => framed.some((text) => /frame-ancestors/.test(text)));
  await other.close();

  // The token opens what is the customer's, and nothing else.
  const { portal } = await ask(token, '{ portal { customer { key } invoices(first: 10) { nodes { number } } } }');
  assert.equal(portal.customer.key, 'globex');
  assert.deepEqual(
    portal.invoices.nodes.map(({ number }) => number),
    ['INV-00000001'],
  );
  await assert.rejects(ask(token, '{ customers { totalCount } }'), /FORBIDDEN/);
});

/** Invites somebody and signs in as them, in a browser of their own. */
async function join(role) {
  await open('Members');
  await press('Invite');
  const who = `${role}-${randomUUID()}@example.org`;
  await dialog().getByLabel('E-mail').fill(who);
  await dialog().getByLabel('Role').selectOption(role);
  await press('Create the invitation', dialog());
  const link = await page.getByTestId('secret').textContent();
  await press('I have passed it on');
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-US' });
  const theirs = await context.newPage();
  theirs.setDefaultTimeout(TIMEOUT);
  await theirs.goto(link);
  await theirs.getByLabel('Password').fill(`${password} too`);
  await press('Accept', theirs);
  await theirs.getByText(`Your role is ${role}.`).waitFor();
  await signInAs(theirs, who, `${password} too`);
  return theirs;
}

test('invites a viewer, who sees everything and changes nothing', async () => {
  const viewer = await join('viewer');
  await viewer.goto(invoiceAt);
  await viewer.getByTestId('invoice-total').waitFor();
  assert.equal(await viewer.getByRole('button', { name: /credit|void|paid|recompute/i }).count(), 0);
  await pictureOf(viewer, 'story-viewer');
  await viewer.context().close();
});

test('invites a bookkeeper, who works with invoices and not with keys', async () => {
  const billing = await join('billing');
  await billing.goto(invoiceAt);
  await billing.getByTestId('invoice-total').waitFor();
  await press('Recompute from events', billing);
  await billing.locator('.outcome-same').waitFor();
  assert.equal(await billing.getByRole('link', { name: 'API keys' }).count(), 0);
  await billing.goto(new URL('webhooks', base).href);
  await billing.getByRole('region', { name: 'Webhook endpoints' }).waitFor();
  assert.equal(await billing.getByRole('button', { name: /create|actions/i }).count(), 0);
  await billing.context().close();
});

test('does not exist for the owner of another org', async () => {
  const context = await browser.newContext({ locale: 'en-US' });
  const theirs = await context.newPage();
  theirs.setDefaultTimeout(TIMEOUT);
  const who = `other-${randomUUID()}@example.org`;
  await theirs.goto(new URL('sign-up', base).href);
  await theirs.getByLabel('E-mail').fill(who);
  await theirs.getByLabel('Password').fill(password);
  await theirs.getByLabel('Name of the org').fill('Another');
  await press('Create org', theirs);
  await theirs.getByTestId('secret').waitFor();
  await signInAs(theirs, who, password);
  await theirs.goto(invoiceAt);
  await theirs.getByText('Invoice not found').waitFor();
  await theirs.goto(new URL('customers/detail?key=globex', base).href);
  await theirs.getByText('No customer has the key “globex”').waitFor();
  await context.close();
});

test('leaves no error in the console', () => {
  assert.deepEqual(complaints, []);
});
