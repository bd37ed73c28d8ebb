import { screen, waitFor, within } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPolaris } from './fake-server/polaris.mjs';
import { FakeSession, open } from './app';

afterEach(() => vi.unstubAllGlobals());

const rowsOf = (region: string) =>
  within(screen.getByRole('region', { name: region }))
    .getAllByRole('row')
    .slice(1);
const pressed = (name: string) => screen.getByRole('button', { name });

function nth(elements: HTMLElement[], index: number): HTMLElement {
  const element = elements[index];
  if (!element) throw new Error(`There are only ${elements.length}.`);
  return element;
}

describe('usage', () => {
  it('shows the total and a chart, and the same numbers as a table', async () => {
    const { user, polaris } = open({ at: '/usage?meter=tokens&range=24h' });
    expect(await screen.findByRole('application', { name: /Tokens/ })).toBeTruthy();
    const asked = polaris.calls.find(({ field }) => field === 'usageReport');
    expect(asked?.variables.input).toMatchObject({ meter: 'tokens', window: 'HOUR' });
    await user.click(pressed('Table'));
    expect(rowsOf('Usage timeline')).toHaveLength(24);
    expect(screen.getByTestId('usage-total').textContent).toMatch(/^\d/);
  });

  it('never asks with bounds that the API refuses', async () => {
    const { user, polaris } = open({ at: '/usage' });
    for (const range of ['Last 24 h', '30 d', 'Custom']) {
      await user.click(await screen.findByRole('button', { name: range }));
      await screen.findByTestId('usage-total');
    }
    const asked = polaris.calls.filter(({ field }) => field === 'usageReport');
    expect(asked.length).toBeGreaterThanOrEqual(4);
    for (const { variables } of asked) {
      const { from, to } = variables.input as { from: string; to: string };
      expect(Date.parse(from) % 900_000).toBe(0);
      expect(Date.parse(to) % 900_000).toBe(0);
    }
  });

  it('asks for one customer when one is chosen, and keeps it in the address', async () => {
    const { user, polaris, address } = open({ at: '/usage' });
    await user.type(await screen.findByRole('combobox', { name: 'Customer' }), 'no-customer-yet{Enter}');
    await waitFor(() => {
      expect(polaris.calls.findLast(({ field }) => field === 'usageReport')?.variables.input).toMatchObject({
        customers: ['no-customer-yet'],
      });
    });
    expect(address.current).toContain('customer=no-customer-yet');
  });

  it('is split by a dimension, and compared with the time before', async () => {
    const { user, polaris } = open({ at: '/usage?meter=traffic&range=24h' });
    await user.selectOptions(await screen.findByRole('combobox', { name: 'By' }), 'region');
    await user.click(screen.getByRole('checkbox', { name: 'Compare with the time before' }));
    const groups = await screen.findByRole('list', { name: 'Groups' });
    expect(within(groups).getByText(/no value/)).toBeTruthy();
    await waitFor(() => expect(within(groups).getByText('−17')).toBeTruthy());
    expect(polaris.calls.findLast(({ field }) => field === 'usageReport')?.variables.input).toMatchObject({
      groupBy: ['region'],
      comparePrevious: true,
    });
  });

  it('opens a bar to its events, with the keyboard too', async () => {
    const { user } = open({ at: '/usage?meter=api_calls&range=24h' });
    (await screen.findByRole('application', { name: /API calls/ })).focus();
    // The bar before the last: that of an hour which has just begun may have no events yet.
    await user.keyboard('{ArrowLeft}{ArrowLeft}{Enter}');
    const events = await screen.findByRole('region', { name: /^Events from/ });
    expect(await within(events).findAllByText('/v1/translate')).not.toHaveLength(0);
  });

  it('says so when there is nothing to show', async () => {
    open({ at: '/usage', polaris: createPolaris({ empty: true }) });
    expect(await screen.findByText('No meters yet')).toBeTruthy();
  });

  it('says that the range is the wrong way round', async () => {
    open({ at: '/usage?range=custom&from=2026-11-02&to=2026-11-01' });
    expect(await screen.findByText('The last day is before the first day')).toBeTruthy();
  });
});

describe('invoices', () => {
  it('are paged through with the cursors of the API, forth and back', async () => {
    const { user, polaris } = open({ at: '/invoices' });
    expect(await screen.findByText('INV-00000045')).toBeTruthy();
    expect(screen.getByText(/45 invoices · page 1 of 3/)).toBeTruthy();
    expect(pressed('Previous')).toHaveProperty('disabled', true);
    await user.click(pressed('Next'));
    expect(await screen.findByText('INV-00000025')).toBeTruthy();
    await user.click(pressed('Next'));
    expect(await screen.findByText('INV-00000005')).toBeTruthy();
    expect(rowsOf('Invoices')).toHaveLength(5);
    expect(pressed('Next')).toHaveProperty('disabled', true);
    await user.click(pressed('Previous'));
    expect(await screen.findByText('INV-00000025')).toBeTruthy();
    const cursors = polaris.calls.filter(({ field }) => field === 'invoices').map(({ variables }) => variables.after);
    expect(cursors.slice(0, 3)).toEqual([null, 'INV-00000026', 'INV-00000006']);
  });

  it('begin at the first page again when a filter changes', async () => {
    const { user } = open({ at: '/invoices' });
    await user.click(await screen.findByRole('button', { name: 'Next' }));
    await screen.findByText(/page 2 of 3/);
    await user.selectOptions(screen.getByRole('combobox', { name: 'Status' }), 'FINALIZED');
    expect(await screen.findByText(/15 invoices · page 1 of 1/)).toBeTruthy();
  });

  it('explain a line tier by tier, up to its rounding', async () => {
    const { user } = open({ at: '/invoices' });
    await user.click(await screen.findByText('INV-00000045'));
    expect((await screen.findByTestId('invoice-total')).textContent).toBe('$65.93');
    await user.click(pressed('Explain API calls'));
    const steps = within(screen.getByRole('table', { name: 'How the amount of API calls comes about' }));
    expect(steps.getAllByRole('row').map((row) => [...row.children].map((cell) => cell.textContent))).toEqual([
      ['Step', 'Calculation', 'Amount'],
      ['Above 0 up to 100', '100 free', '$0.00'],
      ['Above 100 up to 400', '300 × $0.02', '$6.00'],
      ['Above 400', '62 × $0.015', '$0.93'],
      ['Above 400, flat fee', '1 × $10.00', '$10.00'],
      ['Sum, no rounding needed', '$16.93'],
    ]);
    await user.click(pressed('Explain Tokens'));
    expect(screen.getByText('There was no usage, so there is no charge.')).toBeTruthy();
  });

  it('name every kind of line, and show every step with its children, its divisor and its rate', async () => {
    const { user } = open({ at: '/invoices/00000000-0000-7000-8000-000000001044' });
    await user.click(await screen.findByRole('button', { name: 'Explain all' }));
    const kinds = screen
      .getAllByTestId('invoice-line')
      .map((row) => row.querySelector('.soft')?.textContent.replace(/:.*/, ''));
    expect(kinds).toEqual([
      'fee',
      'traffic',
      'payments',
      'commitment',
      'minimum',
      'maximum',
      'discount',
      'tax',
      'adjustment',
    ]);
    const stepsOf = (name: string) =>
      within(screen.getByRole('table', { name: `How the amount of ${name} comes about` }))
        .getAllByRole('row')
        .slice(1, -1)
        .map((row) => [...row.children].map((cell) => cell.textContent));
    expect(stepsOf('Platform fee')).toEqual([['Flat fee, 16 of 30 days', '16 × $47.50 ÷ 30', '$25.333333333333']]);
    expect(stepsOf('Traffic')).toEqual([
      ['eu', '48,900 in all', '$19.21'],
      ['Above 0', '48,900 × $0.000392842536', '$19.21'],
      ['us', '25 in all', '$0.25'],
      ['Above 0', '25 × $0.01', '$0.25'],
    ]);
    await waitFor(() =>
      expect(stepsOf('Payments')).toEqual([
        ['Included units', '100 free', '$0.00'],
        ['Above 0 up to 1000', '$1,000.00 × 1%', '$10.00'],
        ['Above 1000', '$2,000.00 × 0.5%', '$10.00'],
        ['Early: Share of 27', '−$27.00 × 10%', '−$2.70'],
        ['Up to the minimum of 22.7', '1 × $5.40', '$5.40'],
      ]),
    );
    expect(stepsOf('Loyal')).toEqual([['Share of 175', '−$175.00 × 10%', '−$17.50']]);
    expect(stepsOf('VAT')).toEqual([['On 157.5', '$157.50 × 19%', '$29.925']]);
  });

  it('open a line to its events', async () => {
    const { user, polaris } = open({ at: '/invoices/00000000-0000-7000-8000-000000001045' });
    await user.click(await screen.findByRole('button', { name: 'Explain API calls' }));
    await user.click(screen.getByRole('button', { name: 'Show the events' }));
    expect(await screen.findByText('demo-0120')).toBeTruthy();
    expect(polaris.calls.find(({ field }) => field === 'invoiceLineEvents')?.variables).toMatchObject({ ordinal: 1 });
  });

  it('are finalized several at once', async () => {
    const { user, polaris } = open({ at: '/invoices?status=DRAFT' });
    await user.click(await screen.findByRole('checkbox', { name: 'Choose all drafts of the page' }));
    await user.click(screen.getByRole('button', { name: 'Finalize them' }));
    await user.click(await screen.findByRole('button', { name: 'Finalize' }));
    expect(await screen.findByText('20 finalized')).toBeTruthy();
    expect(polaris.calls.find(({ field }) => field === 'finalizeInvoices')?.variables.ids).toHaveLength(20);
  });

  it('show the one rounding of a line where there was one', async () => {
    const polaris = createPolaris();
    const invoice = polaris.root.invoice?.({ id: '00000000-0000-7000-8000-000000001045' }) as {
      lines: { unroundedAmount: string; amount: string }[];
    };
    Object.assign(invoice.lines[1] ?? {}, { unroundedAmount: '16.925', amount: '16.93' });
    const { user } = open({ at: '/invoices/00000000-0000-7000-8000-000000001045', polaris });
    await user.click(await screen.findByRole('button', { name: 'Explain all' }));
    expect(screen.getByText('Sum $16.925, rounded once, half away from zero')).toBeTruthy();
  });

  it('show what an adjustment corrects, and how its difference comes about', async () => {
    const polaris = createPolaris();
    const invoice = polaris.root.invoice?.({ id: '00000000-0000-7000-8000-000000001045' }) as { lines: object[] };
    Object.assign(invoice.lines[2] ?? {}, {
      name: 'API calls, correction of INV-00000007',
      kind: 'ADJUSTMENT',
      adjusts: { id: 'earlier', number: 'INV-00000007' },
      unroundedAmount: '-2',
      amount: '-2.00',
      explanation: [
        {
          label: 'Was: 3, already invoiced',
          quantity: '-1',
          unitPrice: '3.5',
          divisor: '1',
          amount: '-3.5',
          children: [],
        },
        {
          label: 'Is now: Above 0 up to 2',
          quantity: '1',
          unitPrice: '1.5',
          divisor: '1',
          amount: '1.5',
          children: [],
        },
      ],
    });
    const { user } = open({ at: '/invoices/00000000-0000-7000-8000-000000001045', polaris });
    await user.click(await screen.findByRole('button', { name: 'Explain all' }));
    expect(screen.getByRole('link', { name: 'INV-00000007' }).getAttribute('href')).toBe('/invoices/earlier');
    const steps = within(
      screen.getByRole('table', { name: 'How the amount of API calls, correction of INV-00000007 comes about' }),
    );
    expect(steps.getAllByRole('row').map((row) => row.lastElementChild?.textContent)).toEqual([
      'Amount',
      '−$3.50',
      '$1.50',
      '−$2.00',
    ]);
    expect(steps.getByText('Difference: current amount minus amount already invoiced')).toBeTruthy();
  });

  it('are proved identical from the events', async () => {
    const { user } = open({ at: '/invoices/00000000-0000-7000-8000-000000001045' });
    await user.click(await screen.findByRole('button', { name: 'Recompute from events' }));
    expect(await screen.findByText('Identical')).toBeTruthy();
  });

  it('show each figure that the events do not confirm', async () => {
    const polaris = createPolaris();
    polaris.root.recomputeInvoice = ({ id }) => ({
      invoiceId: id,
      identical: false,
      resultHash: 'a',
      recomputedHash: 'b',
      differences: [{ charge: 'api_calls', field: 'quantity', stored: '462', recomputed: '463' }],
    });
    const { user } = open({ at: '/invoices/00000000-0000-7000-8000-000000001045', polaris });
    await user.click(await screen.findByRole('button', { name: 'Recompute from events' }));
    expect(await screen.findByText('One figure differs')).toBeTruthy();
    const cells = rowsOf('Differences').map((row) => [...row.children].map((cell) => cell.textContent));
    expect(cells).toEqual([['api_calls', 'Quantity', '462', '463']]);
    expect(screen.getByText('One figure differs').closest('.outcome-different')).toBeTruthy();
  });

  it('say in green that a later invoice corrects exactly what differs', async () => {
    const polaris = createPolaris();
    const id = '00000000-0000-7000-8000-000000001045';
    polaris.root.recomputeInvoice = () => ({
      invoiceId: id,
      identical: false,
      resultHash: 'a',
      recomputedHash: 'b',
      differences: [
        { charge: 'api_calls', field: 'quantity', stored: '462', recomputed: '463' },
        { charge: 'api_calls', field: 'amount', stored: '16.93', recomputed: '14.93' },
      ],
    });
    const later = polaris.root.invoice?.({ id: '00000000-0000-7000-8000-000000001044' }) as { lines: object[] };
    Object.assign(later.lines[8] ?? {}, { adjusts: { id, number: 'INV-00000045' } });
    const all = polaris.root.invoices;
    polaris.root.invoices = (variables) => all?.({ ...variables, customer: null });
    const { user } = open({ at: `/invoices/${id}`, polaris });
    await user.click(await screen.findByRole('button', { name: 'Recompute from events' }));
    expect((await screen.findByText('Right, and corrected since')).closest('.outcome-same')).toBeTruthy();
    expect(rowsOf('Differences').map((row) => row.lastElementChild?.textContent)).toEqual(['463', '$14.93']);
    expect(screen.getByRole('link', { name: 'INV-00000044' })).toBeTruthy();
  });

  it('are finalized after a question, and then no more', async () => {
    const { user } = open({ at: '/invoices/00000000-0000-7000-8000-000000001045' });
    await user.click(await screen.findByRole('button', { name: 'Finalize' }));
    await user.click(pressed('Finalize invoice'));
    expect(await screen.findByText('Finalized', { selector: '.badge' })).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Finalize' })).toBeNull();
  });

  it('say so when there is none of an id', async () => {
    open({ at: '/invoices/00000000-0000-7000-8000-000000009999' });
    expect(await screen.findByText('Invoice not found')).toBeTruthy();
  });
});

describe('events', () => {
  it('are shown with all digits of their properties', async () => {
    open({ at: '/recent-events' });
    await waitFor(() => expect(rowsOf('Recent events')).toHaveLength(50));
    expect(screen.getByText('1000.123456789')).toBeTruthy();
  });

  it('are found by their idempotency key, or not', async () => {
    const { user } = open({ at: '/recent-events' });
    const field = await screen.findByRole('searchbox', { name: 'Idempotency key' });
    await user.type(field, 'demo-0042{Enter}');
    expect(within(await screen.findByTestId('found-event')).getByText('demo-0042')).toBeTruthy();
    await user.clear(field);
    await user.type(field, 'demo-9999{Enter}');
    expect(await screen.findByText('No event has this key')).toBeTruthy();
  });
});

describe('customers', () => {
  it('are searched for, and opened by any key', async () => {
    const { user, address } = open({ at: '/customers' });
    await user.type(await screen.findByRole('searchbox', { name: 'Search' }), 'slash');
    await waitFor(() => expect(rowsOf('Customers')).toHaveLength(1));
    await user.click(screen.getByRole('link', { name: 'Slash & Co' }));
    expect(await screen.findByRole('heading', { name: 'Slash & Co' })).toBeTruthy();
    expect(address.current).toBe('/customers/detail?key=a%2Fb+%26+co');
    // So far, with the fee and the tax.
    expect(await screen.findByText(/\$65\.38 so far/)).toBeTruthy();
  });
});

describe('plans and meters', () => {
  it('are spelled out', async () => {
    open({ at: '/plans' });
    expect(await screen.findByText('Above 100, up to 400: $0.02 a unit')).toBeTruthy();
    expect(screen.getByText('The first 50,000 units are free.')).toBeTruthy();
  });

  it('name their filters', async () => {
    open({ at: '/meters' });
    expect(await screen.findByText('takes the maximum memory_mb of the job.run events')).toBeTruthy();
    expect(screen.getByText('region', { selector: 'code' })).toBeTruthy();
  });
});

describe('API keys', () => {
  it('show the secret of a new key once', async () => {
    const { user } = open({ at: '/api-keys' });
    await user.click(await screen.findByRole('button', { name: 'Create key' }));
    await user.type(screen.getByRole('textbox', { name: 'Name' }), 'production');
    await user.click(screen.getByRole('button', { name: 'Create' }));
    expect((await screen.findByTestId('secret')).textContent).toBe('pk_0b1c6ff3_created-secret');
    await user.click(pressed('I have stored it'));
    expect(await screen.findByText('production')).toBeTruthy();
    expect(screen.queryByText(/created-secret/)).toBeNull();
  });

  it('are revoked after a question', async () => {
    const { user } = open({ at: '/api-keys' });
    await user.click(await screen.findByRole('button', { name: 'Actions for First key' }));
    await user.click(await screen.findByRole('menuitem', { name: 'Revoke …' }));
    await user.click(await screen.findByRole('button', { name: 'Revoke key' }));
    expect(await screen.findByText(/^Revoked /)).toBeTruthy();
  });

  it('are rotated, and show the new secret once', async () => {
    const { user } = open({ at: '/api-keys' });
    await user.click(await screen.findByRole('button', { name: 'Actions for First key' }));
    await user.click(await screen.findByRole('menuitem', { name: 'Rotate …' }));
    await user.click(await screen.findByRole('button', { name: 'Rotate' }));
    expect((await screen.findByTestId('secret')).textContent).toBe('pk_992a8990_rotated-secret');
  });
});

describe('webhooks', () => {
  it('show the secret of a new endpoint once, and take the events that are ticked', async () => {
    const { user, polaris } = open({ at: '/webhooks' });
    await user.click(await screen.findByRole('button', { name: 'Create endpoint' }));
    await user.type(screen.getByRole('textbox', { name: 'URL' }), 'https://new.example/hook');
    await user.click(screen.getByRole('checkbox', { name: 'Every event, also kinds to come' }));
    await user.click(screen.getByRole('checkbox', { name: 'invoice.paid' }));
    await user.click(screen.getByRole('checkbox', { name: 'invoice.finalized' }));
    await user.click(screen.getByRole('checkbox', { name: 'invoice.paid' }));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Create endpoint' }));
    expect((await screen.findByTestId('secret')).textContent).toBe('whsec_Y3JlYXRlZA==');
    await user.click(pressed('I have stored it'));
    expect(await screen.findByText('https://new.example/hook')).toBeTruthy();
    expect(screen.queryByText(/whsec_/)).toBeNull();
    expect(polaris.calls.find(({ field }) => field === 'createWebhookEndpoint')?.variables.input).toEqual({
      url: 'https://new.example/hook',
      description: null,
      eventTypes: ['invoice.finalized'],
      inOrder: false,
    });
  });

  it('show what the endpoint answers to a test', async () => {
    const { user } = open({ at: '/webhooks' });
    await user.click(
      await screen.findByRole('button', { name: 'Actions for https://hooks.northwind.example/polaris' }),
    );
    await user.click(await screen.findByRole('menuitem', { name: 'Send a test …' }));
    await user.click(await screen.findByRole('button', { name: 'Send' }));
    expect(await screen.findByText('Delivered')).toBeTruthy();
    expect(rowsOf('Attempts').map((row) => row.textContent)).toHaveLength(2);
  });

  it('are enabled, disabled and deleted', async () => {
    const { user } = open({ at: '/webhooks' });
    const act = async (name: RegExp, item: string) => {
      await user.click(await screen.findByRole('button', { name }));
      await user.click(await screen.findByRole('menuitem', { name: item }));
    };
    await act(/ops\.northwind/, 'Enable');
    await waitFor(() => expect(screen.getAllByText('Enabled')).toHaveLength(2));
    await act(/hooks\.northwind/, 'Disable …');
    await user.click(await screen.findByRole('button', { name: 'Disable' }));
    expect(await screen.findByText(/^by a member/)).toBeTruthy();
    await act(/hooks\.northwind/, 'Delete …');
    await user.click(await screen.findByRole('button', { name: 'Delete endpoint' }));
    await waitFor(() => expect(rowsOf('Webhook endpoints')).toHaveLength(1));
  });

  it('resend a time in as many requests as it takes', async () => {
    const { user, polaris } = open({ at: '/webhooks' });
    await user.click(await screen.findByRole('button', { name: /hooks\.northwind/ }));
    await user.click(await screen.findByRole('menuitem', { name: 'Resend events …' }));
    await user.click(await screen.findByRole('button', { name: 'Resend' }));
    expect(await screen.findByText('1,005 events are on their way.')).toBeTruthy();
    expect(polaris.calls.filter(({ field }) => field === 'resendEvents')).toHaveLength(2);
  });

  it('have their deliveries filtered, opened and resent', async () => {
    const { user, address, polaris } = open({ at: '/deliveries' });
    await waitFor(() => expect(rowsOf('Deliveries')).toHaveLength(4));
    await user.selectOptions(screen.getByRole('combobox', { name: 'State' }), 'FAILED');
    await waitFor(() => expect(rowsOf('Deliveries')).toHaveLength(1));
    expect(address.current).toBe('/deliveries?status=FAILED');
    await user.click(screen.getByRole('button', { name: 'usage.threshold_crossed' }));
    expect(await screen.findByText('No connection could be opened.')).toBeTruthy();
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Resend' }));
    await waitFor(() => expect(polaris.calls.some(({ field }) => field === 'resendDelivery')).toBe(true));
  });
});

describe('mail', () => {
  it('goes to addresses that a member adds and takes away', async () => {
    const { user } = open({ at: '/mail' });
    await user.click(await screen.findByRole('button', { name: 'Add address' }));
    await user.type(screen.getByRole('textbox', { name: 'E-mail' }), 'ops@northwind.example');
    await user.click(screen.getByRole('checkbox', { name: 'invoice.paid' }));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Add address' }));
    expect(await screen.findByText('ops@northwind.example')).toBeTruthy();
    expect(screen.getByText('550 No such user here')).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Actions for gone@northwind.example' }));
    await user.click(await screen.findByRole('menuitem', { name: 'Delete …' }));
    await user.click(await screen.findByRole('button', { name: 'Delete address' }));
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  });
});

describe('settings', () => {
  it('have the origins of the product', async () => {
    const { user, polaris } = open({ at: '/settings' });
    const card = (await screen.findByRole('heading', { name: 'In your product' })).closest('section');
    if (card === null) throw new Error('The heading is in no card.');
    expect(await screen.findByText('https://app.northwind.example')).toBeTruthy();
    await user.click(within(card).getByRole('button', { name: 'Change' }));
    await user.type(screen.getByLabelText('Origins, one a line'), '{Enter}https://second.example');
    await user.click(screen.getByRole('button', { name: 'Save' }));
    expect(await screen.findByText('https://second.example')).toBeTruthy();
    expect(polaris.calls.find(({ field }) => field === 'setEmbedOrigins')?.variables.origins).toEqual([
      'https://app.northwind.example',
      'https://second.example',
    ]);
  });
});

describe('the installation', () => {
  it('shows an operator how much is counted, what waits, which services answer, and the orgs', async () => {
    const { user, polaris } = open({ at: '/operator' });
    expect(await screen.findByText('Every event is counted')).toBeTruthy();
    expect(screen.getByText('31,250')).toBeTruthy();
    expect(screen.getByText('0.8 s')).toBeTruthy();
    await waitFor(() => expect(rowsOf('Services')).toHaveLength(5));
    expect(screen.getAllByText('Not healthy')).toHaveLength(1);
    await waitFor(() => expect(rowsOf('Busiest orgs')[0]?.textContent).toContain('Northwind Cloud'));
    expect(rowsOf('Held invoices')[0]?.textContent).toContain('quantity_too_large');

    expect(rowsOf('Orgs')).toHaveLength(25);
    await waitFor(() => expect(within(nth(rowsOf('Orgs'), 1)).getByText('3 held')).toBeTruthy());
    await user.click(screen.getByRole('button', { name: 'Next' }));
    await waitFor(() => expect(rowsOf('Orgs')[0]?.textContent).toContain('Org 24'));
    await user.type(screen.getByRole('searchbox', { name: 'Search' }), 'org 58');
    await waitFor(() => expect(rowsOf('Orgs')).toHaveLength(1));
    expect(polaris.calls.findLast(({ field }) => field === 'orgs')?.variables).toMatchObject({ search: 'org 58' });
  });

  it('shows what the other services say while one is away', async () => {
    const polaris = createPolaris();
    polaris.refuse.set('operations', { code: 'UNAVAILABLE', message: 'Billing is away.' });
    open({ at: '/operator', polaris });
    expect(await screen.findByText(/Billing is away/)).toBeTruthy();
    await waitFor(() => expect(rowsOf('Services')).toHaveLength(5));
    await waitFor(() => expect(rowsOf('Orgs')).toHaveLength(25));
  });

  it('is not there for others', async () => {
    const polaris = createPolaris();
    polaris.viewer.scopes = ['read', 'admin'];
    open({ at: '/operator', polaris });
    expect(await screen.findByText('Page not found')).toBeTruthy();
    expect(screen.queryByRole('link', { name: 'Installation' })).toBeNull();
    expect(polaris.calls.some(({ field }) => field === 'operations')).toBe(false);
  });

  it('is the only page of an operator who is in no org', async () => {
    const session = new FakeSession();
    session.inOrg = false;
    const { address, polaris } = open({ at: '/invoices', session });
    expect(await screen.findByRole('heading', { level: 1, name: 'Installation' })).toBeTruthy();
    expect(address.current).toBe('/operator');
    const pages = within(screen.getByRole('navigation', { name: 'Pages' })).getAllByRole('link');
    expect(pages.map((link) => link.textContent)).toEqual(['Installation']);
    expect(polaris.calls.some(({ field }) => field === 'me' || field === 'clock')).toBe(false);
  });
});

describe('roles', () => {
  const as = (role: string, scopes: string[]) => {
    const polaris = createPolaris();
    Object.assign(polaris.viewer, { role, scopes });
    return polaris;
  };

  it('without rights see no button that changes anything', async () => {
    for (const [at, ready] of [
      ['/invoices/00000000-0000-7000-8000-000000001045', 'Certificate'],
      ['/customers/detail?key=acme', 'Subscriptions'],
      ['/plans', 'Plans'],
      ['/meters', 'Meters'],
      ['/thresholds', 'Thresholds'],
      ['/webhooks', 'Webhooks'],
      ['/deliveries', 'Deliveries'],
      ['/mail', 'E-mail'],
    ] as const) {
      const { screen: shown } = open({ at, polaris: as('viewer', ['read']) });
      await screen.findByRole('heading', { name: ready });
      const names = screen
        .queryAllByRole('button')
        .map((button) => button.getAttribute('aria-label') ?? button.textContent);
      expect(
        names.filter((name) =>
          /finaliz|creat|add|edit|archive|subscribe|grant|recompute|resend|actions(?! for (invoice|usage)\.)/i.test(
            name,
          ),
        ),
      ).toEqual([]);
      shown.unmount();
    }
  });

  it('billing may finalize, recompute and edit customers, and change no meter or plan', async () => {
    const billing = () => as('billing', ['read', 'billing']);
    const { screen: invoice } = open({ at: '/invoices/00000000-0000-7000-8000-000000001045', polaris: billing() });
    expect(await screen.findByRole('button', { name: 'Finalize' })).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Recompute from events' })).toBeTruthy();
    expect(screen.queryByRole('link', { name: 'API keys' })).toBeNull();
    invoice.unmount();
    const { screen: customer } = open({ at: '/customers/detail?key=acme', polaris: billing() });
    expect(await screen.findByRole('button', { name: 'Edit' })).toBeTruthy();
    customer.unmount();
    open({ at: '/meters', polaris: billing() });
    await screen.findByRole('region', { name: 'Meters' });
    expect(screen.queryByRole('button', { name: 'Create meter' })).toBeNull();
  });
});

describe('running an org', () => {
  it('creates a meter after trying it against recent events', async () => {
    const { user, polaris } = open({ at: '/meters' });
    await user.click(await screen.findByRole('button', { name: 'Create meter' }));
    await user.type(await screen.findByLabelText('Key'), 'tokens_2');
    await user.type(screen.getByLabelText('Type of the events'), 'api.call');
    await user.selectOptions(screen.getByLabelText('Quantity'), 'SUM');
    await user.type(screen.getByLabelText('Property'), 'tokens');
    expect(await screen.findByText('37 of the 50 newest events would count.')).toBeTruthy();
    await user.type(screen.getByLabelText('Only events with'), 'user = user-1');
    expect(await screen.findByText(/^\d of the 50 newest events would count\.$/)).toBeTruthy();
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Create meter' }));
    expect(await screen.findByText('tokens_2', { selector: 'code' })).toBeTruthy();
    expect(polaris.calls.find(({ field }) => field === 'createMeter')?.variables.input).toMatchObject({
      aggregation: 'SUM',
      property: 'tokens',
      filters: [{ property: 'user', equals: 'user-1' }],
    });
  });

  it('shows what the API refuses at its field', async () => {
    const polaris = createPolaris();
    polaris.refuse.set('createMeter', {
      code: 'CONFLICT',
      rule: 'meter_exists',
      path: 'input.key',
      message: 'There is another meter with this key.',
    });
    const { user } = open({ at: '/meters', polaris });
    await user.click(await screen.findByRole('button', { name: 'Create meter' }));
    await user.type(await screen.findByLabelText('Key'), 'tokens');
    await user.type(screen.getByLabelText('Type of the events'), 'api.call');
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Create meter' }));
    expect((await screen.findByRole('alert')).textContent).toBe('There is another meter with this key.');
    expect(screen.getByLabelText('Key').getAttribute('aria-invalid')).toBe('true');
  });

  it('makes a plan with tiers, with its price curve, exactly', async () => {
    const { user, polaris } = open({ at: '/plans/edit' });
    await user.type(nth(await screen.findAllByLabelText('Name'), 0), 'Basic');
    await user.type(nth(screen.getAllByLabelText('Key'), 0), 'basic');
    await user.type(nth(screen.getAllByLabelText('Key'), 1), 'fee');
    await user.type(screen.getByLabelText('Amount'), '9.90');
    await user.click(screen.getByRole('button', { name: 'Add a price of a meter' }));
    await user.type(nth(screen.getAllByLabelText('Key'), 2), 'calls');
    await user.selectOptions(screen.getByLabelText('Meter'), 'api_calls');
    await user.selectOptions(screen.getByLabelText('Price'), 'GRADUATED');
    await user.click(screen.getByRole('button', { name: 'Add a tier' }));
    await user.type(screen.getByRole('textbox', { name: 'Tier 1: up to' }), '1000');
    await user.type(screen.getByRole('textbox', { name: 'Tier 2: unit price' }), '0.004');
    await user.type(await screen.findByRole('textbox', { name: 'A quantity to try' }), '1750.5');
    expect(await screen.findByText('$3.00', { selector: '[aria-live]' })).toBeTruthy();
    expect(screen.getByText('Above 1,000: $0.004 a unit')).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Create plan' }));
    await waitFor(() => expect(polaris.calls.some(({ field }) => field === 'createPlan')).toBe(true));
    expect(polaris.calls.find(({ field }) => field === 'createPlan')?.variables.input).toMatchObject({
      key: 'basic',
      currency: 'USD',
      publish: true,
      charges: [
        { key: 'fee', price: { model: 'FLAT', amount: '9.90' } },
        {
          key: 'calls',
          meter: 'api_calls',
          price: {
            model: 'GRADUATED',
            tiers: [
              { upTo: '1000', unitPrice: '0' },
              { upTo: null, unitPrice: '0.004' },
            ],
          },
        },
      ],
    });
  });

  it('leads from an empty org to its first invoice', async () => {
    open({ at: '/overview', polaris: createPolaris({ empty: true }) });
    expect(await screen.findByText('From nothing to the first invoice')).toBeTruthy();
    expect(screen.getByRole('link', { name: 'Create a meter' }).getAttribute('href')).toBe('/meters');
  });

  it('says that every event is counted, and what comes in', async () => {
    open({ at: '/overview' });
    expect(await screen.findByText('Every event is counted')).toBeTruthy();
    expect(await screen.findByRole('region', { name: 'Largest customers' })).toBeTruthy();
  });

  it('says where an event is', async () => {
    open({ at: '/recent-events?key=demo-0119' });
    const found = await screen.findByTestId('found-event');
    await waitFor(() => expect(within(found).getByText(/The running period|INV-/)).toBeTruthy());
  });

  it('accepts an invitation without a session', async () => {
    const session = new FakeSession();
    session.cookie = false;
    const { user } = open({ at: '/accept-invitation#the-token', session });
    await user.type(await screen.findByLabelText('Password'), 'long enough');
    await user.click(pressed('Accept'));
    expect(await screen.findByText('Welcome to Northwind Cloud')).toBeTruthy();
  });

  it('confirms an address after a click, not after a look', async () => {
    const session = new FakeSession();
    session.cookie = false;
    const polaris = createPolaris();
    const { user } = open({ at: '/prove-email#the-token', session, polaris });
    await user.click(await screen.findByRole('button', { name: 'Confirm' }));
    expect(await screen.findByText('ada@example.org is yours')).toBeTruthy();
    expect(polaris.calls.filter(({ field }) => field === 'proveEmail')).toHaveLength(1);
  });

  it('asks for a link to set a new password', async () => {
    const session = new FakeSession();
    session.cookie = false;
    const { user } = open({ at: '/reset-password', session });
    await user.type(await screen.findByLabelText('E-mail'), 'ada@example.org');
    await user.click(pressed('Send a link'));
    expect(await screen.findByText(/a link is on its way/)).toBeTruthy();
  });
});

describe('errors', () => {
  it('say what the API says, with its code, and can be tried again', async () => {
    const polaris = createPolaris();
    polaris.refuse.set('invoices', { code: 'FORBIDDEN', message: 'The token does not hold the scope.' });
    const { user } = open({ at: '/invoices', polaris });
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('You are not allowed to do this');
    expect(alert.textContent).toContain('FORBIDDEN');
    polaris.refuse.clear();
    await user.click(within(alert).getByRole('button', { name: 'Try again' }));
    expect(await screen.findByText('INV-00000045')).toBeTruthy();
  });

  it('of a passing kind are tried again by themselves', async () => {
    const polaris = createPolaris();
    polaris.refuse.set('meters', { code: 'UNAVAILABLE', message: 'Try again.' });
    open({ at: '/meters', polaris });
    await screen.findByText('Polaris is unavailable at the moment');
    expect(polaris.calls.filter(({ field }) => field === 'meters')).toHaveLength(3);
  });

  it('of one card leave the others standing', async () => {
    const polaris = createPolaris();
    polaris.refuse.set('preview', { code: 'NOT_FOUND', message: 'There is no such plan version.' });
    open({ at: '/customers/detail?key=acme', polaris });
    expect(await screen.findByText('There is no such plan version.', { exact: false })).toBeTruthy();
    expect(await screen.findByText(/day 1 of the month/)).toBeTruthy();
  });
});

describe('the session', () => {
  it('is asked for, and comes back to the page that was wanted', async () => {
    const session = new FakeSession();
    session.cookie = false;
    const { user } = open({ at: '/invoices?status=DRAFT', session });
    await user.click(await screen.findByRole('button', { name: 'Sign in' }));
    expect(session.signedIn).toEqual(['/invoices?status=DRAFT']);
  });

  it('that has ended asks to sign in again', async () => {
    const session = new FakeSession();
    session.ended = true;
    const { user } = open({ at: '/customers', session });
    expect(await screen.findByText(/Your session has ended/)).toBeTruthy();
    await user.click(pressed('Sign in'));
    expect(session.signedIn).toEqual(['/customers']);
  });

  it.each([
    ['access_denied', 'not a member'],
    ['failed', 'Try again'],
    ['__proto__', 'Try again'],
  ])('that could not begin says why: %s', async (failure, text) => {
    const session = new FakeSession();
    session.cookie = false;
    open({ at: `/sign-in?failure=${failure}`, session });
    expect((await screen.findByRole('alert')).textContent).toContain(text);
    expect(screen.getByRole('button', { name: 'Sign in' })).toBeTruthy();
  });

  it('that cannot be asked about shows the page, which says what is wrong', async () => {
    const session = new FakeSession();
    session.user = () => Promise.reject(new Error('away'));
    open({ at: '/invoices', session });
    expect(await screen.findByText('INV-00000045')).toBeTruthy();
  });

  it('ends with signing out', async () => {
    const { user, session } = open({ at: '/meters' });
    await user.click(await screen.findByRole('button', { name: 'Sign out' }));
    expect(session.signedOut).toBe(1);
  });

  it('asks nothing more while the session ends, and goes on when it could not', async () => {
    const { user, session } = open({ at: '/meters' });
    await screen.findByRole('region', { name: 'Meters' });
    let fail: (error: Error) => void = () => undefined;
    session.signOut = () => new Promise((_, reject) => (fail = reject));
    await user.click(screen.getByRole('button', { name: 'Sign out' }));
    const asked = vi.mocked(fetch).mock.calls.length;
    await user.click(screen.getByRole('link', { name: 'Plans' }));
    await screen.findByRole('heading', { level: 1, name: 'Plans' });
    expect(vi.mocked(fetch).mock.calls.length).toBe(asked);
    fail(new Error('The session cannot be reached.'));
    await screen.findByText('The session cannot be reached.');
    await waitFor(() => expect(vi.mocked(fetch).mock.calls.length).toBeGreaterThan(asked));
  });
});

describe('signing up', () => {
  const fill = async (user: ReturnType<typeof open>['user']) => {
    await user.type(await screen.findByRole('textbox', { name: 'E-mail' }), 'ada@example.org');
    await user.type(screen.getByLabelText('Password'), 'long enough');
    await user.type(screen.getByRole('textbox', { name: 'Name of the org' }), 'Ada & Co');
    await user.selectOptions(screen.getByRole('combobox', { name: 'Currency' }), 'EUR');
    const timeZone = screen.getByRole('combobox', { name: 'Time zone' });
    await user.clear(timeZone);
    await user.type(timeZone, 'Europe/Berlin');
    await user.click(pressed('Create org'));
  };
  const signedOut = () => {
    const session = new FakeSession();
    session.cookie = false;
    return session;
  };

  it('shows the API key once and goes on to sign in', async () => {
    const { user, polaris, session } = open({ at: '/sign-up', session: signedOut() });
    await fill(user);
    expect((await screen.findByTestId('secret')).textContent).toBe('pk_3f9a1c2b_signup-secret');
    expect(polaris.calls).toEqual([
      {
        field: 'signUp',
        variables: {
          input: {
            email: 'ada@example.org',
            password: 'long enough',
            orgName: 'Ada & Co',
            currency: 'EUR',
            timeZone: 'Europe/Berlin',
            sandbox: true,
          },
        },
      },
      { field: 'proveEmail', variables: { token: 'proof_of-the-address' } },
    ]);
    await user.click(pressed('I have stored it: go to sign in'));
    expect(session.signedIn).toEqual(['/']);
  });

  it('shows a refusal beside the field that it is about', async () => {
    const polaris = createPolaris();
    polaris.refuse.set('signUp', {
      code: 'CONFLICT',
      rule: 'email_taken',
      path: 'input.email',
      message: 'There is an account with this e-mail address already.',
    });
    const { user } = open({ at: '/sign-up', session: signedOut(), polaris });
    await fill(user);
    expect((await screen.findByRole('alert')).textContent).toContain('already');
    expect(screen.getByRole('textbox', { name: 'E-mail' }).getAttribute('aria-invalid')).toBe('true');
    expect(screen.queryByTestId('secret')).toBeNull();
  });
});
