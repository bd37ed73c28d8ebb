import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'react-router';
import { graphql } from '../api';
import { formatMoney, formatPeriod } from '../format';
import { Loaded } from '../Loaded';

interface InvoiceRow {
  id: string;
  number: string;
  customer: string;
  status: string;
  currency: string;
  total: string;
  periodStart: string;
  periodEnd: string;
}

interface InvoicePageData {
  invoices: { nodes: InvoiceRow[]; totalCount: number; endCursor: string | null; hasNextPage: boolean };
}

const pageSize = 25;

export function InvoicesPage() {
  const [customer, setCustomer] = useState('');
  // The cursors of the pages seen so far: going back needs no cursor of its own.
  const [cursors, setCursors] = useState<string[]>([]);
  const after = cursors.at(-1) ?? null;
  const invoices = useQuery({
    queryKey: ['invoices', customer, after],
    queryFn: () =>
      graphql<InvoicePageData>(
        `
          query ($first: Int!, $after: String, $customer: String) {
            invoices(first: $first, after: $after, customer: $customer) {
              nodes {
                id
                number
                customer
                status
                currency
                total
                periodStart
                periodEnd
              }
              totalCount
              endCursor
              hasNextPage
            }
          }
        `,
        { first: pageSize, after, customer: customer || null },
      ),
  });
  return (
    <>
      <h1>Invoices</h1>
      <div className="toolbar">
        <label>
          Customer{' '}
          <input
            value={customer}
            placeholder="all"
            onChange={(event) => {
              setCustomer(event.target.value.trim());
              setCursors([]);
            }}
          />
        </label>
      </div>
      <Loaded query={invoices}>
        {({ invoices: page }) =>
          page.nodes.length === 0 ? (
            <p className="soft">No invoices. A draft is made when a subscription's period ends.</p>
          ) : (
            <>
              <table>
                <thead>
                  <tr>
                    <th>Number</th>
                    <th>Customer</th>
                    <th>Period</th>
                    <th>Status</th>
                    <th className="number">Total</th>
                  </tr>
                </thead>
                <tbody>
                  {page.nodes.map((invoice) => (
                    <tr key={invoice.id}>
                      <td>
                        <Link to={`/invoices/${invoice.id}`}>{invoice.number}</Link>
                      </td>
                      <td>{invoice.customer}</td>
                      <td>{formatPeriod(invoice.periodStart, invoice.periodEnd)}</td>
                      <td>
                        <span className={`status ${invoice.status.toLowerCase()}`}>{invoice.status.toLowerCase()}</span>
                      </td>
                      <td className="number">{formatMoney(invoice.total, invoice.currency)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <div className="pager">
                <button className="quiet" disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>
                  Newer
                </button>
                <span className="soft">
                  {cursors.length * pageSize + 1}–{cursors.length * pageSize + page.nodes.length} of {page.totalCount}
                </span>
                <button
                  className="quiet"
                  disabled={!page.hasNextPage}
                  onClick={() => page.endCursor && setCursors([...cursors, page.endCursor])}
                >
                  Older
                </button>
              </div>
            </>
          )
        }
      </Loaded>
    </>
  );
}
