/**
 * Every page and state of the built application (`npm run build`) against the fake gateway in a real Chromium: axe finds nothing serious or moderate, nothing is wider than the screen,
 * the console stays empty; in light, in dark and on a screen of 390 px. SCREENSHOTS names a folder for a picture of each.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { EMAIL, PASSWORD, startFakeGateway } from '../test/fake-server/server.mjs';
import { launch, picture, TIMEOUT } from './chromium.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const INVOICE = '/invoices/00000000-0000-7000-8000-0000000010';
const choose = (role, name) => (page) => page.getByRole(role, { name }).first().click();
const menu = (name, item) => async (page) => {
  await page.getByRole('button', { name }).first().click();
  await page.getByRole('menuitem', { name: item }).click();
};

/** Path, what shows that it is there, and what leads to a state of it. */
const PAGES = [
  ['overview', '/overview', (page) => page.getByRole('region', { name: 'Largest customers' })],
  ['usage', '/usage?range=24h', (page) => page.locator('.bar-part').first()],
  [
    'usage-by-customer',
    '/usage?range=7d&by=CUSTOMER&compare=yes',
    (page) => page.getByRole('list', { name: 'Groups' }),
  ],
  ['usage-table', '/usage?range=24h', (page) => page.getByRole('button', { name: 'Table' }), choose('button', 'Table')],
  ['events', '/recent-events?key=demo-0120', (page) => page.getByTestId('found-event')],
  ['quality', '/quality', (page) => page.getByRole('region', { name: 'Dead letters' })],
  ['customers', '/customers', (page) => page.getByRole('region', { name: 'Customers' })],
  [
    'customer-create',
    '/customers',
    (page) => page.getByRole('region', { name: 'Customers' }),
    choose('button', 'Create customer'),
  ],
  ['customer', '/customers/detail?key=acme', (page) => page.getByRole('region', { name: 'Subscriptions' })],
  [
    'customer-forecast',
    '/customers/detail?key=acme',
    (page) => page.getByRole('button', { name: 'What will it cost?' }),
    choose('button', 'What will it cost?'),
  ],
  [
    'customer-ledger',
    '/customers/detail?key=acme',
    (page) => page.getByRole('button', { name: 'Ledger' }),
    choose('button', 'Ledger'),
  ],
  [
    'customer-change-plan',
    '/customers/detail?key=acme',
    (page) => page.getByRole('region', { name: 'Subscriptions' }),
    menu(/Actions for the subscription/, 'Pause …'),
  ],
  ['customer-unknown', '/customers/detail?key=nobody', (page) => page.getByText('No customer has the key')],
  ['invoices', '/invoices', (page) => page.getByRole('region', { name: 'Invoices' })],
  ['invoice', `${INVOICE}44`, (page) => page.getByTestId('invoice-total'), choose('button', 'Explain all')],
  [
    'invoice-verified',
    `${INVOICE}45`,
    (page) => page.getByRole('button', { name: 'Recompute from events' }),
    choose('button', 'Recompute from events'),
  ],
  [
    'invoice-finalize',
    `${INVOICE}45`,
    (page) => page.getByRole('button', { name: 'Finalize' }),
    choose('button', 'Finalize'),
  ],
  ['plans', '/plans', (page) => page.locator('.charges li').first()],
  ['plan-editor', '/plans/edit?plan=pro', (page) => page.locator('.curve').first()],
  [
    'compare',
    '/plans/compare?version=00000000-0000-7000-8000-000000000021',
    (page) => page.getByRole('region', { name: 'Periods' }),
  ],
  ['meters', '/meters', (page) => page.getByRole('region', { name: 'Meters' })],
  ['meter-create', '/meters', (page) => page.getByRole('region', { name: 'Meters' }), choose('button', 'Create meter')],
  ['thresholds', '/thresholds', (page) => page.getByRole('region', { name: 'Reached thresholds' })],
  ['coupons', '/coupons', (page) => page.getByRole('region', { name: 'Coupons' })],
  ['api-keys', '/api-keys', (page) => page.getByRole('region', { name: 'API keys' })],
  [
    'api-keys-menu',
    '/api-keys',
    (page) => page.getByRole('region', { name: 'API keys' }),
    choose('button', 'Actions for First key'),
  ],
  ['members', '/members', (page) => page.getByRole('region', { name: 'Invitations' })],
  ['audit', '/audit', (page) => page.getByRole('region', { name: 'Audit log' })],
  ['settings', '/settings', (page) => page.getByRole('heading', { name: 'On invoices' })],
  [
    'settings-seller',
    '/settings',
    (page) => page.getByRole('heading', { name: 'On invoices' }),
    (page) => page.getByRole('button', { name: 'Change' }).last().click(),
  ],
  ['profile', '/profile', (page) => page.getByRole('region', { name: 'Your orgs' })],
  ['no-such-page', '/no-such-page', (page) => page.getByText('Page not found')],
  ['sign-up', '/sign-up', (page) => page.getByRole('button', { name: 'Create org' })],
  ['accept-invitation', '/accept-invitation#token', (page) => page.getByRole('button', { name: 'Accept' })],
  ['reset-password', '/reset-password#token', (page) => page.getByRole('button', { name: 'Set the password' })],
];

const LOOKS = [
  { look: 'light', colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  { look: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  { look: 'small', colorScheme: 'light', viewport: { width: 390, height: 844 } },
];

let gateway;
let browser;
let storageState;
before(async () => {
  gateway = await startFakeGateway({ built: true });
  browser = await launch();
  const page = await browser.newPage();
  page.setDefaultTimeout(TIMEOUT);
  await page.goto(gateway.url);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.fill('input[name=email]', EMAIL);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.getByRole('heading', { level: 1 }).waitFor();
  storageState = await page.context().storageState();
});
after(async () => {
  await browser?.close();
  await gateway?.close();
});

for (const { look, ...options } of LOOKS) {
  test(`every page and state, ${look}`, async () => {
    const context = await browser.newContext({ ...options, storageState, bypassCSP: false, reducedMotion: 'reduce' });
    const problems = [];
    for (const [name, path, ready, act] of PAGES) {
      const page = await context.newPage();
      page.setDefaultTimeout(TIMEOUT);
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') problems.push(`${name}: ${message.text()}`);
      });
      page.on('pageerror', (error) => problems.push(`${name}: ${error.message}`));
      await page.goto(new URL(path, gateway.url).href);
      await ready(page).waitFor();
      if (act) {
        await act(page);
        await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== 'running'));
      }
      await page.waitForFunction(() => document.querySelector('[role=status][aria-busy=true]') === null);
      await picture(page, `${name}-${look}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (wide > 0) problems.push(`${name}: ${wide} px wider than the screen`);
      // Focus guards are hidden and focusable by design: whoever tabs to one is moved on at once.
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() =>
        window.axe.run(
          { exclude: ['[data-base-ui-focus-guard]'] },
          {
            resultTypes: ['violations'],
            runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
          },
        ),
      );
      for (const { id, impact, nodes } of violations)
        if (impact !== 'minor')
          problems.push(
            `${name}: ${impact} ${id}: ${nodes
              .slice(0, 3)
              .map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary?.split('\n')[1] ?? ''}`)
              .join(' | ')}`,
          );
      await page.close();
    }
    await context.close();
    assert.deepEqual(problems, []);
  });
}
