import { useState } from 'react';
import { Link } from 'react-router';
import type { InvoiceStatus } from '../api/generated';
import { useRead } from '../api/hooks';
import { CustomerLink } from '../customers/CustomerLink';
import { useCustomerFacts } from '../customers/facts';
import { isZero } from '../format/decimal';
import { formatPeriod } from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { Money, Rows, StatusBadge, type Column } from '../ui/elements';
import { Pager, usePaging } from '../ui/paging';
import { Empty, Loaded } from '../ui/states';
import { FinalizeDialog } from './FinalizeDialog';
import { INVOICES, type InvoiceSummary } from './queries';

/** Refresh interval, in ms: drafts are made while one looks. */
const REFRESH = 10_000;

type Props = {
  /** Null for all. */
  customer: string | null;
  status: InvoiceStatus | null;
  pageSize: number;
  /** On a customer's page, the rows omit the customer. */
  ofOneCustomer?: boolean;
};

export function InvoiceList({ customer, status, pageSize, ofOneCustomer = false }: Props) {
  const paging = usePaging(JSON.stringify([customer, status]));
  const result = useRead(
    INVOICES,
    { first: pageSize, after: paging.after, customer, status },
    { keepPrevious: true, every: REFRESH },
  );
  return (
    <Loaded result={result} what="invoices">
      {({ invoices }) =>
        invoices.totalCount === 0 ? (
          <Empty title="No invoices">
            {status !== null || (customer !== null && !ofOneCustomer) ? (
              'No invoice matches these filters.'
            ) : (
              <>
                An invoice is drafted when a <Link to="/customers">customer</Link>’s billing period ends.
              </>
            )}
          </Empty>
        ) : (
          <>
            <Invoices invoices={invoices.nodes} ofOneCustomer={ofOneCustomer} />
            <Pager paging={paging} size={pageSize} data={invoices} busy={result.isPlaceholderData} what="invoices" />
          </>
        )
      }
    </Loaded>
  );
}

function Invoices({ invoices, ofOneCustomer }: { invoices: readonly InvoiceSummary[]; ofOneCustomer: boolean }) {
  const timeZone = useTimeZone();
  const mayFinalize = useMay('billing');
  const facts = useCustomerFacts(invoices.map(({ customer }) => customer));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState(false);
  const drafts = invoices.filter(({ status }) => status === 'DRAFT');
  const selected = drafts.filter(({ id }) => chosen.has(id));
  const choose = (ids: readonly string[], on: boolean) =>
    setChosen((old) => {
      const next = new Set(old);
      for (const id of ids) {
        if (on) next.add(id);
        else next.delete(id);
      }
      return next;
    });
  const withChoice = mayFinalize && drafts.length > 0 && !ofOneCustomer;

  const columns: Column<InvoiceSummary>[] = [
    {
      head: 'Number',
      cell: (invoice) => <Link to={`/invoices/${encodeURIComponent(invoice.id)}`}>{invoice.number ?? 'Draft'}</Link>,
    },
    { head: 'Status', cell: (invoice) => <StatusBadge status={invoice.status} /> },
    ...(ofOneCustomer
      ? []
      : [
          {
            head: 'Customer',
            cell: (invoice: InvoiceSummary) => (
              <CustomerLink customer={invoice.customer} name={facts.nameOf(invoice.customer)} />
            ),
          },
        ]),
    {
      head: 'Period',
      cell: (invoice) =>
        formatPeriod(invoice.periodStart, invoice.periodEnd, facts.zoneOf(invoice.subscriptionId) ?? timeZone),
    },
    { head: 'Total', right: true, cell: (invoice) => <Money value={invoice.total} currency={invoice.currency} /> },
    {
      head: 'Due',
      right: true,
      cell: (invoice) =>
        invoice.status === 'DRAFT' || isZero(invoice.amountDue) ? (
          <span className="soft">–</span>
        ) : (
          <Money value={invoice.amountDue} currency={invoice.currency} />
        ),
    },
  ];
  if (withChoice) {
    columns.unshift({
      head: (
        <input
          type="checkbox"
          aria-label="Choose all drafts of the page"
          checked={selected.length === drafts.length}
          onChange={(event) =>
            choose(
              drafts.map(({ id }) => id),
              event.target.checked,
            )
          }
        />
      ),
      name: 'Choose',
      cell: (invoice) =>
        invoice.status === 'DRAFT' ? (
          <input
            type="checkbox"
            aria-label={`Choose the draft of ${invoice.customer}`}
            checked={chosen.has(invoice.id)}
            onChange={(event) => choose([invoice.id], event.target.checked)}
          />
        ) : null,
    });
  }
  return (
    <>
      {withChoice && selected.length > 0 ? (
        <div className="bulk" role="status">
          {selected.length === 1 ? '1 draft' : `${selected.length} drafts`} chosen
          <button type="button" className="button button-small button-primary" onClick={() => setAsking(true)}>
            Finalize them
          </button>
        </div>
      ) : null}
      <Rows label="Invoices" rows={invoices} keyOf={({ id }) => id} columns={columns} />
      {asking ? (
        <FinalizeDialog
          ids={selected.map(({ id }) => id)}
          onClose={() => {
            setAsking(false);
            setChosen(new Set());
          }}
        />
      ) : null}
    </>
  );
}
