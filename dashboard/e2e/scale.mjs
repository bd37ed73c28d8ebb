/**
 * How the pages do with 10,000 customers and 100,000 events, in a real browser against a running Polaris; the environment is that of
 * dashboard.e2e.mjs. Prints, for each page, how long it takes to be there, the longest time that it did not react meanwhile, and how many
 * elements it has. CUSTOMERS and EVENTS may be fewer.
 */
import { randomUUID } from 'node:crypto';
import { base, launch, picture, TIMEOUT } from './browser.mjs';
import { ask, signIn, until } from './session.mjs';

const CUSTOMERS = Number(process.env.CUSTOMERS ?? 10_000);
const EVENTS = Number(process.env.EVENTS ?? 100_000);
const BATCH = 1_000;

const anyone = (query, variables) => ask('', query, variables);
const email = `scale-${randomUUID()}@example.org`;
const password = `scale ${randomUUID()}`;
const { signUp } = await anyone(
  'mutation($input: SignUpInput!) { signUp(input: $input) { emailProof apiKey { secret } } }',
  {
    input: { email, password, orgName: 'Scale', currency: 'EUR', timeZone: 'UTC' },
  },
);
await anyone('mutation($token: String!) { proveEmail(token: $token) { userId } }', { token: signUp.emailProof });
const key = signUp.apiKey.secret;

const key5 = (index) => `customer-${String(index).padStart(5, '0')}`;
await ask(key, 'mutation($input: CreateMeterInput!) { createMeter(input: $input) { id } }', {
  input: { key: 'calls', name: 'Calls', eventType: 'call', aggregation: 'COUNT', dimensions: ['region'] },
});
await ask(key, 'mutation($input: CreatePlanInput!) { createPlan(input: $input) { id } }', {
  input: {
    key: 'basic',
    name: 'Basic',
    currency: 'EUR',
    interval: 'MONTH',
    publish: true,
    charges: [{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'PER_UNIT', unitPrice: '0.01' } }],
  },
});
const month = new Date().toISOString().slice(0, 7);
for (let at = 0; at < CUSTOMERS; at += 500) {
  const some = Array.from({ length: Math.min(500, CUSTOMERS - at) }, (_, index) => key5(at + index));
  await ask(key, 'mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }', {
    input: some.map((one) => ({ key: one, name: `Customer ${one.slice(-5)}` })),
  });
  await ask(key, 'mutation($input: [CreateSubscriptionInput!]!) { createSubscriptions(input: $input) { id } }', {
    input: some.map((customer) => ({
      customer,
      plan: 'basic',
      start: `${month}-01T00:00:00Z`,
      anchorDay: 1,
      timeZone: 'UTC',
    })),
  });
}
const now = Date.now();
for (let at = 0; at < EVENTS; at += BATCH) {
  const response = await fetch(new URL('ingest', base), {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(
      Array.from({ length: BATCH }, (_, index) => ({
        idempotency_key: `event-${at + index}`,
        type: 'call',
        customer: key5((at + index) % CUSTOMERS),
        timestamp: new Date(now - (EVENTS - at - index) * 5_000).toISOString(),
        properties: { region: ['eu', 'us', 'ap'][index % 3] },
      })),
    ),
  });
  if (response.status !== 202) throw new Error(await response.text());
}
await until('all events being counted', async () => {
  const { usage } = await ask(
    key,
    'query($from: DateTime!, $to: DateTime!) { usage(meter: "calls", from: $from, to: $to) { eventCount } }',
    {
      from: new Date(now - 30 * 86_400_000).toISOString().replace(/T.*/, 'T00:00:00Z'),
      to: new Date(now + 86_400_000).toISOString().replace(/T.*/, 'T00:00:00Z'),
    },
  );
  return usage.eventCount === EVENTS;
});

const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, locale: 'en-US' });
page.setDefaultTimeout(TIMEOUT);
await page.addInitScript(() => {
  window.blocked = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.blocked = Math.max(window.blocked, duration);
  }).observe({ type: 'longtask', buffered: true });
});
await signIn(page, email, password);

async function measure(name, act, ready) {
  await page.evaluate(() => (window.blocked = 0));
  const start = performance.now();
  await act();
  await ready().waitFor();
  await page.waitForFunction(() => document.querySelector('[aria-busy=true]') === null);
  const took = performance.now() - start;
  const { blocked, elements } = await page.evaluate(() => ({
    blocked: window.blocked,
    elements: document.querySelectorAll('*').length,
  }));
  console.log(
    `${name.padEnd(34)} ${took.toFixed(0).padStart(6)} ms  blocked ${blocked.toFixed(0).padStart(4)} ms  ${String(elements).padStart(6)} elements`,
  );
}
const open = (label) => () =>
  page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: label, exact: true }).click();
const list = (name) => () => page.getByRole('region', { name });

console.log(`${CUSTOMERS} customers, ${EVENTS} events`);
await measure('customers', open('Customers'), list('Customers'));
await measure(
  'customers, next page',
  () => page.getByRole('button', { name: 'Next' }).click(),
  () => page.getByText('page 2 of'),
);
await measure(
  'customers, a search',
  () => page.getByRole('searchbox', { name: 'Search' }).fill(key5(CUSTOMERS - 1)),
  () => page.getByRole('cell', { name: key5(CUSTOMERS - 1) }),
);
await measure(
  'a customer',
  () => page.getByRole('link', { name: `Customer ${key5(CUSTOMERS - 1).slice(-5)}` }).click(),
  list('Running period'),
);
await measure('usage of a week', open('Usage'), () => page.locator('.bar-part').first());
await measure(
  'usage by customer',
  () => page.getByLabel('By', { exact: true }).selectOption('CUSTOMER'),
  () => page.getByRole('list', { name: 'Groups' }),
);
await picture(page, 'scale-usage');
await measure(
  'usage of 30 days, by customer',
  () => page.getByRole('button', { name: '30 d' }).click(),
  () => page.getByRole('list', { name: 'Groups' }),
);
await measure('events, live', open('Events'), list('Recent events'));
await measure('invoices', open('Invoices'), () => page.getByRole('heading', { level: 1, name: 'Invoices' }));
await measure('overview', open('Overview'), () => page.getByText('Usage in the last 30 days'));
await measure(
  'overview, revenue and forecast',
  () => Promise.resolve(),
  () => page.getByTestId('forecast'),
);
await picture(page, 'scale-overview');
await browser.close();
