// The dashboard in a real browser against a running Polaris with its demo tenant: POLARIS_ENDPOINTS names the AppHost's endpoints.json.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const endpoints = JSON.parse(
  readFileSync(process.env.POLARIS_ENDPOINTS ?? new URL('../../.polaris/endpoints.json', import.meta.url), 'utf8'),
);
const url = endpoints.resources.gateway.urls[0];
const shots = process.env.SCREENSHOTS;
let browser;
let page;
const complaints = [];

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
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
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
});

after(() => browser.close());

const see = (text) => page.getByText(text).first().waitFor();
const shoot = (name) => (shots ? page.screenshot({ path: `${shots}/${name}.png` }) : undefined);

test('a wrong password is refused without saying what was wrong', async () => {
  await page.goto(url);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#email').fill(endpoints.demo.email);
  await page.locator('#password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await see('E-mail or password is wrong.');
  await shoot('sign-in');
  // The browser itself notes the status 401 of the page.
  complaints.length = 0;
});

test('the demo user signs in through the code flow', async () => {
  await page.locator('#password').fill(endpoints.demo.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await see(endpoints.demo.email);
  assert.equal(new URL(page.url()).pathname, '/');
});

test('the usage timeline shows what was counted', async () => {
  const total = await page.getByTestId('usage-total').innerText();
  assert.match(total, /^[1-9][\d,]* from [1-9]\d* events$/);
  await page.locator('.recharts-bar-rectangle').first().waitFor();
  await shoot('usage');
});

test('an invoice shows its lines, explains them, and is identical when rebuilt from events', async () => {
  await page.getByRole('link', { name: 'Invoices', exact: true }).click();
  await page.locator('tbody tr', { hasText: 'acme' }).first().getByRole('link').click();
  await see('Platform fee');
  await see('Above 0 up to 100');
  const lines = await page.getByTestId('lines').innerText();
  assert.match(lines, /Total\s+[\d,]+\.\d\d USD/);
  await page.getByRole('button', { name: 'Recompute from events' }).click();
  await see('Identical: the invoice rebuilt from its raw events has the same hash.');
  await shoot('invoice');
});

test('recent events are listed, and one is found by its key', async () => {
  await page.getByRole('link', { name: 'Events' }).click();
  const key = await page.locator('tbody tr').first().locator('td').last().innerText();
  await page.getByPlaceholder('find one').fill(key);
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
  assert.equal(await page.locator('tbody tr td').last().innerText(), key);
});

test('plans are spelled out, and a customer shows the period in progress', async () => {
  await page.getByRole('link', { name: 'Plans' }).click();
  await see('49.00 USD a month');
  await page.getByRole('link', { name: 'Customers' }).click();
  await page.getByRole('button', { name: 'Acme Robotics' }).click();
  await see('acme: this period so far');
  await see('api_calls');
});

test('an API key is made, shown once, and revoked', async () => {
  await page.getByRole('link', { name: 'API keys' }).click();
  await page.getByLabel('Name').fill('from the browser');
  await page.getByRole('button', { name: 'Create' }).click();
  assert.match(await page.locator('code.secret').innerText(), /^pk_[0-9a-f]{8}_\w{40}$/);
  const row = page.locator('tbody tr', { hasText: 'from the browser' }).filter({ has: page.getByRole('button', { name: 'Revoke' }) });
  await row.first().getByRole('button', { name: 'Revoke' }).click();
  await page.locator('tbody tr', { hasText: 'from the browser' }).getByText('revoked').first().waitFor();
});

test('signing out ends the session', async () => {
  await page.getByRole('button', { name: 'Sign out' }).click();
  await see('every figure provable down to its events');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#email').waitFor();
});

test('the browser had nothing to complain about', () => assert.deepEqual(complaints, []));
