/**
 * The Aspire dashboard in a real browser: an event that this test sends is one trace, from the gateway to Billing.
 * The environment is that of dashboard.e2e.mjs.
 */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { base, endpoints, launch, picture, TIMEOUT } from './browser.mjs';

let browser;
let page;

before(async () => {
  browser = await launch();
  page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(TIMEOUT);
});

after(() => browser?.close());

async function post(path, key, body, headers = {}) {
  const response = await fetch(base + path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  assert.ok(response.ok, `${path} answered ${response.status}`);
  return response.json();
}

test('an event is one trace from the gateway to Billing', async () => {
  // A new key: its first use is validated by Identity, within the request's trace.
  const created = await post('/graphql', endpoints.demo.apiKey, {
    query: 'mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }',
    variables: { input: { name: `trace-${randomUUID()}`, scopes: ['ingest'] } },
  });
  const trace = randomBytes(16).toString('hex');
  const answer = await post(
    '/ingest',
    created.data.createApiKey.secret,
    { idempotency_key: randomUUID(), type: 'api.call', customer: 'acme', properties: { tokens: 1 } },
    { traceparent: `00-${trace}-${randomBytes(8).toString('hex')}-01` },
  );
  assert.equal(answer.accepted, 1);

  const dashboard = new URL(endpoints.resources['aspire-dashboard'].urls[0]);
  await page.goto(dashboard.href);
  await page.waitForURL((url) => !url.pathname.startsWith('/login'));
  await picture(page, 'aspire-resources');
  // Spans arrive in batches. The page of a trace that has not arrived shows nothing and stays so: it is loaded again.
  const names = ['gateway', 'ingestion', 'identity', 'billing'];
  const began = Date.now();
  let missing = names;
  while (missing.length > 0 && Date.now() - began < TIMEOUT) {
    await page.goto(`${dashboard.origin}/traces/detail/${trace}`);
    await page
      .waitForFunction((all) => all.every((name) => document.body.innerText.includes(name)), names, { timeout: 5_000 })
      .catch((error) => assert.equal(error.name, 'TimeoutError', error.message));
    const text = await page.locator('body').innerText();
    missing = names.filter((name) => !text.includes(name));
  }
  await picture(page, 'aspire-trace');
  assert.deepEqual(missing, [], 'resources that the trace does not show');
});
