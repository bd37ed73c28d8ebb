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

describe('usage', () => {
  it('shows the total and a chart, and the same numbers as a table', async () => {
    const { user, polaris } = open({ at: '/usage?meter=tokens&range=24h' });
    expect(await screen.findByRole('figure', { name: /Tokens/ })).toBeTruthy();
    const asked = polaris.calls.find(({ field }) => field === 'usageTimeline');
    expect(asked?.variables).toMatchObject({ meter: 'tokens', window: 'HOUR' });
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
    const asked = polaris.calls.filter(({ field }) => field === 'usage');
    expect(asked.length).toBeGreaterThanOrEqual(4);
    for (const { variables } of asked) {
      expect(Date.parse(variables.from as string) % 900_000).toBe(0);
      expect(Date.parse(variables.to as string) % 900_000).toBe(0);
    }
  });

  it('asks for one customer when one is chosen, and keeps it in the address', async () => {
    const { user, polaris, address } = open({ at: '/usage' });
    await user.type(await screen.findByRole('combobox', { name: 'Customer' }), 'no-customer-yet{Enter}');
    await waitFor(() => {
      expect(polaris.calls.findLast(({ field }) => field === 'usage')?.variables.customer).toBe('no-customer-yet');
    });
    expect(address.current).toContain('customer=no-customer-yet');
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
    await user.click(pressed('Show the explanation of API calls'));
    const steps = within(screen.getByRole('table', { name: 'How the amount of API calls comes about' }));
    expect(steps.getAllByRole('row').map((row) => [...row.children].map((cell) => cell.textContent))).toEqual([
      ['Step', 'Quantity', '× unit price', '= amount'],
      ['Above 0 up to 100', '100', '$0.00', '$0.00'],
      ['Above 100 up to 400', '300', '$0.02', '$6.00'],
      ['Above 400', '62', '$0.015', '$0.93'],
      ['Above 400, flat fee', '1', '$10.00', '$10.00'],
      ['Sum, no rounding needed', '$16.93'],
    ]);
    await user.click(pressed('Show the explanation of Tokens'));
    expect(screen.getByText('There was no usage, so there is no charge.')).toBeTruthy();
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
        { label: 'Was: 3, already invoiced', quantity: '-1', unitPrice: '3.5', amount: '-3.5' },
        { label: 'Is now: Above 0 up to 2', quantity: '1', unitPrice: '1.5', amount: '1.5' },
      ],
    });
    const { user } = open({ at: '/invoices/00000000-0000-7000-8000-000000001045', polaris });
    await user.click(await screen.findByRole('button', { name: 'Explain all' }));
    expect(screen.getByRole('link', { name: 'INV-00000007' }).getAttribute('href')).toBe('/invoices/earlier');
    const steps = within(
      screen.getByRole('table', { name: 'How the amount of API calls, correction of INV-00000007 comes about' }),
    );
    expect(steps.getAllByRole('row').map((row) => row.lastElementChild?.textContent)).toEqual([
      '= amount',
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
    expect(cells).toEqual([['api_calls', 'quantity', '462', '463']]);
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
    expect(await screen.findAllByTestId('event-row')).toHaveLength(50);
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
    expect(await screen.findByText('$5.94')).toBeTruthy();
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
    expect(screen.getByText('region')).toBeTruthy();
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
    await user.click(await screen.findByRole('button', { name: 'Revoke First key' }));
    await user.click(pressed('Revoke key'));
    expect(await screen.findByText(/^Revoked /)).toBeTruthy();
  });

  it('cannot be changed by who may only read', async () => {
    const polaris = createPolaris();
    Object.assign(polaris.viewer, { role: 'viewer', scopes: ['read'] });
    open({ at: '/api-keys', polaris });
    expect(await screen.findByRole('button', { name: 'Revoke First key' })).toHaveProperty('disabled', true);
    expect(pressed('Create key')).toHaveProperty('disabled', true);
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
    polaris.refuse.set('currentUsage', { code: 'NOT_FOUND', message: 'There is no such plan version.' });
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
    session.isSignedIn = () => Promise.reject(new Error('away'));
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
