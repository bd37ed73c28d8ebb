import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { MemoryRouter } from 'react-router';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { InvoicesPage } from '../src/pages/InvoicesPage';
import { Lines } from '../src/pages/InvoicePage';
import { describePrice } from '../src/pages/PlansPage';
import { SignUpPage } from '../src/pages/SignUpPage';

const signIn = vi.fn(() => Promise.resolve());
vi.mock('../src/auth', () => ({ useSession: () => ({ user: null, signIn, signOut: signIn }) }));

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  signIn.mockClear();
});

/** Answers GraphQL requests; returns what was asked. */
function serve(answer: (variables: Record<string, unknown>) => unknown, status = 200) {
  const asked: Record<string, unknown>[] = [];
  vi.stubGlobal('fetch', (_url: string, init: { body: string }) => {
    const { variables } = JSON.parse(init.body) as { variables: Record<string, unknown> };
    asked.push(variables);
    return Promise.resolve(new Response(JSON.stringify(answer(variables)), { status }));
  });
  return asked;
}

function show(children: ReactNode) {
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <MemoryRouter>{children}</MemoryRouter>
    </QueryClientProvider>,
  );
}

describe('invoices', () => {
  const invoice = (number: string) => ({
    id: number,
    number,
    customer: 'acme',
    status: 'DRAFT',
    currency: 'USD',
    total: '1234.50',
    periodStart: '2026-01-01T00:00:00Z',
    periodEnd: '2026-02-01T00:00:00Z',
  });

  it('go on from the cursor and back again', async () => {
    const asked = serve(({ after }) => ({
      data: {
        invoices: {
          nodes: [invoice(after ? 'INV-1' : 'INV-2')],
          totalCount: 26,
          endCursor: after ? 'INV-1' : 'INV-2',
          hasNextPage: !after,
        },
      },
    }));
    show(<InvoicesPage />);
    await screen.findByText('INV-2');
    await userEvent.click(screen.getByRole('button', { name: 'Older' }));
    await screen.findByText('INV-1');
    expect(asked.at(-1)!.after).toBe('INV-2');
    expect(screen.getByText('26–26 of 26')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Older' }).hasAttribute('disabled')).toBe(true);
    await userEvent.click(screen.getByRole('button', { name: 'Newer' }));
    await screen.findByText('INV-2');
    expect(screen.getByText('1,234.50 USD')).toBeTruthy();
  });

  it('say why they cannot be shown', async () => {
    serve(() => ({
      data: null,
      errors: [{ message: "The service 'billing' cannot be reached.", extensions: { code: 'SUBGRAPH_UNAVAILABLE' } }],
    }));
    show(<InvoicesPage />);
    expect((await screen.findByRole('alert')).textContent).toContain("The service 'billing' cannot be reached.");
  });

  it('offer to sign in again when the token has ended', async () => {
    serve(() => ({ code: 'invalid_credentials', detail: 'The token is not valid here.' }), 401);
    show(<InvoicesPage />);
    await userEvent.click(await screen.findByRole('button', { name: 'Sign in again' }));
    expect(signIn).toHaveBeenCalledOnce();
  });

  it('explain each line tier by tier', () => {
    show(
      <Lines
        currency="USD"
        total="14.00"
        lines={[
          {
            charge: 'base',
            name: 'Base fee',
            meter: null,
            quantity: '1',
            amount: '5.00',
            eventCount: 0,
            eventDigest: '0',
            explanation: [],
          },
          {
            charge: 'requests',
            name: 'Requests',
            meter: 'requests',
            quantity: '1000',
            amount: '9.00',
            eventCount: 1000,
            eventDigest: 'ff',
            explanation: [
              { label: 'Above 0 up to 100', quantity: '100', unitPrice: '0', amount: '0' },
              { label: 'Above 100 up to 1000', quantity: '900', unitPrice: '0.01', amount: '9' },
            ],
          },
        ]}
      />,
    );
    const rows = screen.getAllByRole('row').map((row) => row.textContent);
    expect(rows[2]).toBe('Requests1,0009.00 USD1000');
    expect(rows[4]).toBe('Above 100 up to 1000900× 0.01= 9');
    expect(rows.at(-1)).toBe('Total14.00 USD');
  });
});

describe('signing up', () => {
  it('shows the first API key once and then leads to signing in', async () => {
    const asked = serve(() => ({
      data: { signUp: { org: { name: 'Acme' }, apiKey: { secret: 'pk_12345678_secret' } } },
    }));
    show(<SignUpPage />);
    await userEvent.type(screen.getByLabelText('Organization'), 'Acme');
    await userEvent.type(screen.getByLabelText('E-mail'), 'a@example.com');
    await userEvent.type(screen.getByLabelText('Password'), 'long enough');
    await userEvent.click(screen.getByRole('button', { name: 'Sign up' }));
    await screen.findByText('pk_12345678_secret');
    expect(asked[0]!.input).toEqual({
      orgName: 'Acme',
      email: 'a@example.com',
      password: 'long enough',
      currency: 'USD',
    });
    await userEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    expect(signIn).toHaveBeenCalledOnce();
  });

  it('shows a refusal and keeps the form', async () => {
    serve(() => ({
      errors: [{ message: 'There is an account with this e-mail address already.', extensions: { code: 'CONFLICT' } }],
    }));
    show(<SignUpPage />);
    await userEvent.type(screen.getByLabelText('Organization'), 'Acme');
    await userEvent.type(screen.getByLabelText('E-mail'), 'a@example.com');
    await userEvent.type(screen.getByLabelText('Password'), 'long enough');
    await userEvent.click(screen.getByRole('button', { name: 'Sign up' }));
    await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('already'));
    expect(screen.getByRole('button', { name: 'Sign up' })).toBeTruthy();
  });
});

describe('a price in words', () => {
  const none = { amount: null, unitPrice: null, tiers: null, packageSize: null, packagePrice: null, freeUnits: null };
  it.each([
    [{ ...none, model: 'FLAT' as const, amount: '5.00' }, '5.00 USD a month'],
    [
      { ...none, model: 'PACKAGE' as const, packageSize: '1048576', packagePrice: '0.10', freeUnits: '1048576' },
      '0.10 USD per started 1,048,576, the first 1,048,576 free',
    ],
    [
      {
        ...none,
        model: 'VOLUME' as const,
        tiers: [
          { upTo: '10', unitPrice: '0', flatFee: '0' },
          { upTo: null, unitPrice: '0.01', flatFee: '2' },
        ],
      },
      "all units at the reached tier's price in USD (up to 10: 0; above: 0.01 + 2)",
    ],
  ])('%#', (price, words) => expect(describePrice(price, 'USD')).toBe(words));
});
