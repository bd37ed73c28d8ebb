/**
 * Every page and state of the built application (`npm run build`) against the fake gateway in a real Chromium: axe finds nothing serious or moderate, nothing is wider than the screen,
 * the console stays empty; in light, in dark and on a screen of 390 px. SCREENSHOTS names a folder for a picture of each.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
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
  ['webhooks', '/webhooks', (page) => page.getByRole('region', { name: 'Webhook endpoints' })],
  [
    'webhook-create',
    '/webhooks',
    (page) => page.getByRole('region', { name: 'Webhook endpoints' }),
    async (page) => {
      await page.getByRole('button', { name: 'Create endpoint' }).click();
      await page.getByLabel('Every event, also kinds to come').uncheck();
    },
  ],
  [
    'webhook-resend',
    '/webhooks',
    (page) => page.getByRole('region', { name: 'Webhook endpoints' }),
    menu(/^Actions for https/, 'Resend events …'),
  ],
  ['deliveries', '/deliveries', (page) => page.getByRole('region', { name: 'Deliveries' })],
  [
    'delivery',
    '/deliveries',
    (page) => page.getByRole('region', { name: 'Deliveries' }),
    choose('button', 'invoice.finalized'),
  ],
  ['mail', '/mail', (page) => page.getByRole('region', { name: 'E-mail addresses' })],
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
  ['operator', '/operator', (page) => page.getByRole('region', { name: 'Orgs', exact: true })],
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

/** Pages that are looked at at the same time. */
const TOGETHER = Number(process.env.TOGETHER ?? 3);

let gateway;
let browser;
let context;
before(async () => {
  gateway = await startFakeGateway({ built: true });
  browser = await launch();
  context = await browser.newContext({ reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT);
  await page.goto(gateway.url);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.fill('input[name=email]', EMAIL);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.close();
});
after(async () => {
  await browser?.close();
  await gateway?.close();
});

/** Nothing is loading or moving, and what follows a new size or colour has been drawn. */
async function settled(page) {
  await page.waitForFunction(() => document.querySelector('[role=status][aria-busy=true]') === null);
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== 'running'));
}

/** Focus guards are hidden and focusable by design: whoever tabs to one is moved on at once. */
const violationsOf = (page) =>
  page.evaluate(async () => {
    const { violations } = await window.axe.run(
      { exclude: ['[data-base-ui-focus-guard]'] },
      {
        resultTypes: ['violations'],
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
      },
    );
    return violations
      .filter(({ impact }) => impact !== 'minor')
      .map(
        ({ id, impact, nodes }) =>
          `${impact} ${id}: ${nodes
            .slice(0, 3)
            .map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary?.split('\n')[1] ?? ''}`)
            .join(' | ')}`,
      );
  });

describe('every page and state in light, dark and at 390 px', { concurrency: TOGETHER }, () => {
  for (const [name, path, ready, act] of PAGES)
    test(name, async () => {
      const problems = [];
      const page = await context.newPage();
      page.setDefaultTimeout(TIMEOUT);
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
      });
      page.on('pageerror', (error) => problems.push(error.message));
      await page.setViewportSize(LOOKS[0].viewport);
      await page.goto(new URL(path, gateway.url).href);
      await ready(page).waitFor();
      if (act) await act(page);
      await page.evaluate(axe);
      for (const { look, colorScheme, viewport } of LOOKS) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize(viewport);
        await settled(page);
        await picture(page, `${name}-${look}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (wide > 0) problems.push(`${look}: ${wide} px wider than the screen`);
        problems.push(...(await violationsOf(page)).map((one) => `${look}: ${one}`));
      }
      await page.close();
      assert.deepEqual(problems, []);
    });
});
