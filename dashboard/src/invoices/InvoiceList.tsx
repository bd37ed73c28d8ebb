import { Link } from 'react-router';
import { useRead } from '../api/hooks';
import type { InvoiceStatus, InvoiceSummary, Page } from '../api/schema';
import { customerPath } from '../customers/queries';
import { formatPeriod } from '../format/time';
import { useTimeZone } from '../session/Viewer';
import { Money, StatusBadge, Table } from '../ui/elements';
import { Pager, usePaging } from '../ui/paging';
import { Empty, Loaded } from '../ui/states';
import { INVOICES } from './queries';

type Props = {
  /** Null for all. */
  customer: string | null;
  status: InvoiceStatus | null;
  pageSize: number;
  /** On a customer's page, the rows omit the customer. */
  ofOneCustomer?: boolean;
};

export function InvoiceList({ customer, status, pageSize, ofOneCustomer = false }: Props) {
  const timeZone = useTimeZone();
  const paging = usePaging(JSON.stringify([customer, status]));
  const result = useRead<{ invoices: Page<InvoiceSummary> }>(
    INVOICES,
    { first: pageSize, after: paging.after, customer, status },
    { keepPrevious: true },
  );
  return (
    <Loaded result={result} what="invoices">
      {({ invoices }) =>
        invoices.totalCount === 0 ? (
          <Empty title="No invoices">
            {status !== null || (customer !== null && !ofOneCustomer)
              ? 'No invoice matches these filters.'
              : 'An invoice is drafted when a billing period ends.'}
          </Empty>
        ) : (
          <>
            <Table
              label="Invoices"
              head={
                <>
                  <th scope="col">Number</th>
                  <th scope="col">Status</th>
                  {ofOneCustomer ? null : <th scope="col">Customer</th>}
                  <th scope="col">Period</th>
                  <th scope="col" className="right">
                    Total
                  </th>
                </>
              }
            >
              {invoices.nodes.map((invoice) => (
                <tr key={invoice.id}>
                  <td>
                    <Link to={`/invoices/${encodeURIComponent(invoice.id)}`}>{invoice.number ?? 'Draft'}</Link>
                  </td>
                  <td>
                    <StatusBadge status={invoice.status} />
                  </td>
                  {ofOneCustomer ? null : (
                    <td>
                      <Link to={customerPath(invoice.customer)}>{invoice.customer}</Link>
                    </td>
                  )}
                  <td>{formatPeriod(invoice.periodStart, invoice.periodEnd, timeZone)}</td>
                  <td className="right">
                    <Money value={invoice.total} currency={invoice.currency} />
                  </td>
                </tr>
              ))}
            </Table>
            <Pager paging={paging} size={pageSize} data={invoices} busy={result.isPlaceholderData} what="invoices" />
          </>
        )
      }
    </Loaded>
  );
}
