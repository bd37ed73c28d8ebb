/**
 * Every figure that the pages show of the replayed access log is the API's, formatted. Before it, `bench replay FOLDER --sign-in FILE`; then
 * SIGN_IN=FILE, and the environment of dashboard.e2e.mjs. INVOICES is how many invoices are opened (40), of all sizes.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { base, launch, picture as pictureOf, TIMEOUT } from './browser.mjs';
import { ask, signIn } from './session.mjs';

const owner = JSON.parse(readFileSync(process.env.SIGN_IN, 'utf8'));
const OPENED = Number(process.env.INVOICES ?? 40);

/** Not the dashboard's own code: that is what is tested. */
const quantity = (value) =>
  new Intl.NumberFormat('en-US', { maximumFractionDigits: 20 }).format(value).replace('-', '−');
const money = (value) =>
  new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: 2,
    maximumFractionDigits: 20,
  })
    .format(value)
    .replace('-', '−');
const isZero = (value) => /^[-+]?0*(\.0*)?$/.test(value);

let browser;
let page;
/** What the pages were answered, to which every amount on them has to belong. */
let answers = [];
before(async () => {
  browser = await launch();
  page = await browser.newPage({ viewport: { width: 1280, height: 900 }, timezoneId: 'UTC', locale: 'en-US' });
  page.setDefaultTimeout(TIMEOUT);
  page.on('response', (response) => {
    if (response.url().endsWith('/graphql')) answers.push(response.json().catch(() => null));
  });
  await signIn(page, owner.email, owner.password);
});
after(() => browser?.close());

const STEP = 'label quantity unitPrice divisor amount';
const INVOICE = `id number status customer: customerKey total subtotal tax amountDue lines {
  name meter quantity amount unroundedAmount eventCount explanation { ${STEP} children { ${STEP} children { ${STEP} } } } }`;

/** Every invoice as the API has it, in the order of the list. */
let invoices;
async function all() {
  if (invoices) return invoices;
  invoices = [];
  for (let after = null; ;) {
    const { invoices: answer } = await ask(
      owner.apiKey,
      `query($after: String) { invoices(first: 100, after: $after) { nodes { ${INVOICE} } endCursor hasNextPage } }`,
      { after },
    );
    invoices.push(...answer.nodes);
    if (!answer.hasNextPage) return invoices;
    after = answer.endCursor;
  }
}

/** The texts of the cells of each row, by one look at the page. */
const cells = (selector) =>
  page.$$eval(selector, (rows) => rows.map((row) => [...row.children].map((cell) => cell.innerText.trim())));
const go = async (path) => {
  answers = [];
  await page.goto(new URL(path, base).href);
};
const settled = () => page.waitForFunction(() => document.querySelector('[aria-busy=true]') === null);

/** Every decimal and count in what the pages were answered. */
async function figures() {
  const found = new Set();
  const collect = (value) => {
    if (typeof value === 'number' || (typeof value === 'string' && /^[-+]?\d+(\.\d+)?$/.test(value)))
      found.add(String(value));
    else if (value && typeof value === 'object') Object.values(value).forEach(collect);
  };
  (await Promise.all(answers)).forEach(collect);
  return found;
}

/** No amount on the page is another than one that the API has answered. */
async function everyAmountIsTheApis(where) {
  const text = await page.locator('main').innerText();
  const known = new Set([...(await figures())].map(money));
  const shown = text.match(/−?\$[\d,]+(\.\d+)?/g) ?? [];
  assert.deepEqual(
    shown.filter((amount) => !known.has(amount)),
    [],
    where,
  );
  return shown.length;
}

test('the list of invoices, every page of it', async () => {
  const expected = (await all()).map((invoice) => [
    invoice.customer,
    { DRAFT: 'Draft', FINALIZED: 'Finalized', PAID: 'Paid', VOID: 'Void' }[invoice.status],
    money(invoice.total),
    invoice.status === 'DRAFT' || isZero(invoice.amountDue) ? '–' : money(invoice.amountDue),
  ]);
  await go('invoices');
  const shown = [];
  for (let at = 1; ; at++) {
    await page.getByText(`page ${at} of `).waitFor();
    await settled();
    shown.push(
      ...(await page.$$eval('table.rows tbody tr', (rows) =>
        rows.map((row) =>
          ['Customer', 'Status', 'Total', 'Due'].map((label) =>
            row.querySelector(`[data-label=${label}]`).innerText.trim(),
          ),
        ),
      )),
    );
    const next = page.getByRole('button', { name: 'Next' });
    if (await next.isDisabled()) break;
    await next.click();
  }
  assert.equal(shown.length, expected.length);
  assert.deepEqual(
    shown.map(([customer, ...rest]) => [customer.split('\n')[0], ...rest]),
    expected,
  );
});

function arithmetic({ quantity: count, unitPrice, divisor, amount, children = [] }) {
  if (children.length > 0) return `${quantity(count)} in all`;
  if (isZero(unitPrice) && isZero(amount)) return `${quantity(count)} free`;
  return `${quantity(count)} × ${money(unitPrice)}${Number(divisor) === 1 ? '' : ` ÷ ${quantity(divisor)}`}`;
}
const flat = (steps) => steps.flatMap((step) => [step, ...flat(step.children ?? [])]);

test('invoices of all sizes, each line and each step of it', async () => {
  const sorted = [...(await all())].sort((a, b) => Number(b.total) - Number(a.total));
  const every = Math.max(1, Math.floor(sorted.length / OPENED));
  let amounts = 0;
  for (const invoice of sorted.filter((_, index) => index < 5 || index % every === 0).slice(0, OPENED)) {
    await go(`invoices/${invoice.id}`);
    await page.getByRole('button', { name: 'Explain all' }).click();
    await settled();
    assert.equal(await page.getByTestId('invoice-total').innerText(), money(invoice.total));
    const lines = await page.$$eval('[data-testid=invoice-line]', (rows) =>
      rows.map((row) => [row.cells[0].firstChild.textContent, row.cells[1].innerText, row.cells[2].innerText]),
    );
    assert.deepEqual(
      lines,
      invoice.lines.map((line) => [line.name, line.meter === null ? '' : quantity(line.quantity), money(line.amount)]),
      invoice.customer,
    );
    assert.deepEqual(
      await cells('.explanation tbody tr'),
      invoice.lines.flatMap((line) =>
        flat(line.explanation).map((step) => [step.label, arithmetic(step), money(step.amount)]),
      ),
      invoice.customer,
    );
    assert.deepEqual(
      (await page.locator('.explanation-source').allInnerTexts()).map((text) => /From ([\d,]+) event/.exec(text)?.[1]),
      invoice.lines.filter(({ meter }) => meter !== null).map(({ eventCount }) => quantity(eventCount)),
      invoice.customer,
    );
    amounts += await everyAmountIsTheApis(invoice.customer);
  }
  await pictureOf(page, 'replay-invoice');
  assert.ok(amounts > 100, `only ${amounts} amounts were seen`);
});

test('customers, with their invoices and balances', async () => {
  const sorted = [...(await all())].sort((a, b) => Number(b.total) - Number(a.total));
  for (const { customer } of sorted.slice(0, 10)) {
    const { invoices: own, customerBalance } = await ask(
      owner.apiKey,
      'query($c: String!) { invoices(first: 10, customer: $c) { nodes { total } } customerBalance(customer: $c) { owed balance creditsLeft } }',
      { c: customer },
    );
    await go(`customers/detail?key=${encodeURIComponent(customer)}`);
    const list = page.getByRole('region', { name: 'Invoices' });
    await list.waitFor();
    await page.getByText('May use more').waitFor();
    await settled();
    assert.deepEqual(
      (await list.locator('[data-label=Total]').allInnerTexts()).map((text) => text.trim()),
      own.nodes.map(({ total }) => money(total)),
    );
    const text = await page.locator('main').innerText();
    for (const { owed, balance, creditsLeft } of customerBalance)
      for (const shown of [
        `${money(owed)} owed`,
        `${money(balance)} balance`,
        `${money(creditsLeft)} prepaid credits left`,
      ])
        assert.ok(text.includes(shown), `${customer}: ${shown}`);
    await everyAmountIsTheApis(customer);
  }
});

test('usage of every meter, in sum and day by day', async () => {
  for (const meter of ['requests', 'egress', 'pages', 'largest_response']) {
    const report = async (window) =>
      (
        await ask(
          owner.apiKey,
          `query($input: UsageReportInput!) { usageReport(input: $input) { groups { quantity eventCount points { quantity eventCount } } } }`,
          { input: { meter, from: '2015-05-01T00:00:00Z', to: '2015-06-01T00:00:00Z', timeZone: 'UTC', window } },
        )
      ).usageReport.groups[0];
    const expected = await report('DAY');
    await go(`usage?meter=${meter}&range=custom&from=2015-05-01&to=2015-05-31&window=DAY`);
    await page.getByRole('button', { name: 'Table' }).click();
    await page.getByRole('region', { name: 'Usage timeline' }).waitFor();
    await settled();
    assert.equal(await page.getByTestId('usage-total').innerText(), quantity(expected.quantity));
    assert.deepEqual(
      (await cells('table.rows tbody tr')).map((row) => row.slice(1)),
      expected.points.map((point) => [quantity(point.quantity), quantity(point.eventCount)]),
      meter,
    );
  }
  await pictureOf(page, 'replay-usage');
});

test('the overview', async () => {
  await go('overview');
  await page.getByText('Usage in the last 30 days').waitFor();
  await page.waitForFunction(() => ![...document.querySelectorAll('.figure')].some((one) => one.innerText === '…'));
  await everyAmountIsTheApis('overview');
  const known = new Set([...(await figures())].map(quantity));
  const shown = await page.locator('dl .figure').allInnerTexts();
  assert.ok(shown.length >= 4, 'there are no figures of meters');
  assert.deepEqual(
    shown.filter((text) => !known.has(text.trim())),
    [],
  );
});
