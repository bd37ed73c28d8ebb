import { useQueryClient } from '@tanstack/react-query';
import { Fragment, useState } from 'react';
import { Link, useParams } from 'react-router';
import { useChange, useRead } from '../api/hooks';
import type { Invoice, InvoiceLine } from '../api/schema';
import { customerPath } from '../customers/queries';
import { formatMoney } from '../format/decimal';
import { formatDateTime, formatPeriod } from '../format/time';
import { useMayChange, useTimeZone } from '../session/Viewer';
import { Card, Dialog, Fact, Facts, Hash, Money, PageHead, Quantity, StatusBadge } from '../ui/elements';
import { Empty, ErrorNote, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { Explanation } from './Explanation';
import { FINALIZE, INVOICE } from './queries';
import { RecomputeCard } from './RecomputeCard';

export function InvoicePage() {
  const { id = '' } = useParams();
  const result = useRead<{ invoice: Invoice | null }>(INVOICE, { id });
  useTitle(result.data?.invoice?.number ?? 'Invoice');
  return (
    <>
      <Link className="back" to="/invoices">
        Invoices
      </Link>
      <Loaded result={result} what="the invoice">
        {({ invoice }) =>
          invoice === null ? (
            <Empty title="Invoice not found">
              A draft may have been replaced by a newer one: look for it in the list.
            </Empty>
          ) : (
            <InvoiceDetail invoice={invoice} />
          )
        }
      </Loaded>
    </>
  );
}

function InvoiceDetail({ invoice }: { invoice: Invoice }) {
  const timeZone = useTimeZone();
  return (
    <>
      <PageHead
        title={
          <>
            {invoice.number ?? `Invoice of ${invoice.customer}`} <StatusBadge status={invoice.status} />
          </>
        }
      >
        {invoice.status === 'DRAFT' ? <FinalizeButton invoice={invoice} /> : null}
      </PageHead>
      <Card>
        <Facts>
          <Fact name="Total">
            <span className="figure" data-testid="invoice-total">
              {formatMoney(invoice.total, invoice.currency)}
            </span>
          </Fact>
          <Fact name="Customer">
            <Link to={customerPath(invoice.customer)}>{invoice.customer}</Link>
          </Fact>
          <Fact name="Period">{formatPeriod(invoice.periodStart, invoice.periodEnd, timeZone)}</Fact>
          <Fact name="Currency">{invoice.currency}</Fact>
          <Fact name="Drafted">{formatDateTime(invoice.createdAt, timeZone)}</Fact>
          {invoice.finalizedAt ? <Fact name="Finalized">{formatDateTime(invoice.finalizedAt, timeZone)}</Fact> : null}
        </Facts>
      </Card>
      <Lines invoice={invoice} />
      <RecomputeCard invoiceId={invoice.id} />
      <Card title="Certificate">
        <p className="intro">The inputs of the invoice. The same inputs always give the same result hash.</p>
        <Facts>
          <Fact name="Result hash">
            <Hash value={invoice.certificate.resultHash} name="the result hash" />
          </Fact>
          <Fact name="Plan version hash">
            <Hash value={invoice.certificate.planVersionHash} name="the plan version hash" />
          </Fact>
          <Fact name="Engine version">{invoice.certificate.engineVersion}</Fact>
        </Facts>
      </Card>
    </>
  );
}

function Lines({ invoice }: { invoice: Invoice }) {
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const all = open.size === invoice.lines.length;
  const toggle = (index: number) =>
    setOpen((old) => {
      const next = new Set(old);
      if (!next.delete(index)) next.add(index);
      return next;
    });

  if (invoice.lines.length === 0) {
    return (
      <Card title="Lines">
        <Empty title="This invoice has no lines" />
      </Card>
    );
  }
  return (
    <Card
      title="Lines"
      actions={
        <button
          type="button"
          className="button button-small"
          onClick={() => setOpen(all ? new Set() : new Set(invoice.lines.keys()))}
        >
          {all ? 'Hide all explanations' : 'Explain all'}
        </button>
      }
    >
      <div className="table-scroll" role="region" aria-label="Invoice lines" tabIndex={0}>
        <table className="lines">
          <thead>
            <tr>
              <th scope="col">Charge</th>
              <th scope="col" className="right">
                Quantity
              </th>
              <th scope="col" className="right">
                Amount
              </th>
              <th scope="col">
                <span className="visually-hidden">Explanation</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {invoice.lines.map((line, index) => (
              <Line
                key={index}
                line={line}
                currency={invoice.currency}
                id={`line-${index}`}
                open={open.has(index)}
                onToggle={() => toggle(index)}
              />
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" colSpan={2}>
                Total
              </th>
              <td className="right">
                <Money value={invoice.total} currency={invoice.currency} />
              </td>
              <td />
            </tr>
          </tfoot>
        </table>
      </div>
    </Card>
  );
}

type LineProps = { line: InvoiceLine; currency: string; id: string; open: boolean; onToggle: () => void };

function Line({ line, currency, id, open, onToggle }: LineProps) {
  return (
    <Fragment>
      <tr data-testid="invoice-line">
        <td>
          {line.name}
          <div className="soft">
            {line.adjusts === null ? (
              (line.meter ?? 'flat fee')
            ) : (
              <>
                adjustment: what changed after{' '}
                <Link to={`/invoices/${encodeURIComponent(line.adjusts.id)}`}>{line.adjusts.number}</Link> was final
              </>
            )}
          </div>
        </td>
        <td className="right">{line.meter === null ? '' : <Quantity value={line.quantity} />}</td>
        <td className="right">
          <Money value={line.amount} currency={currency} />
        </td>
        <td className="right">
          <button
            type="button"
            className="button button-small"
            aria-expanded={open}
            aria-controls={id}
            aria-label={`${open ? 'Hide' : 'Show'} the explanation of ${line.name}`}
            onClick={onToggle}
          >
            {open ? 'Hide' : 'Explain'}
          </button>
        </td>
      </tr>
      {open ? (
        <tr id={id} className="line-explanation">
          <td colSpan={4}>
            <Explanation line={line} currency={currency} />
          </td>
        </tr>
      ) : null}
    </Fragment>
  );
}

function FinalizeButton({ invoice }: { invoice: Invoice }) {
  const mayChange = useMayChange();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const finalize = useChange<unknown, { id: string }>(FINALIZE, async () => {
    await queries.invalidateQueries();
    setAsking(false);
  });
  const close = () => {
    if (finalize.isPending) return;
    finalize.reset();
    setAsking(false);
  };
  return (
    <>
      <button
        type="button"
        className="button button-primary"
        disabled={!mayChange}
        title={mayChange ? undefined : 'Requires the role owner or admin.'}
        onClick={() => setAsking(true)}
      >
        Finalize
      </button>
      {asking ? (
        <Dialog title={`Finalize the invoice of ${invoice.customer}?`} onClose={close}>
          <p>
            {formatMoney(invoice.total, invoice.currency)} for {invoice.customer}. A finalized invoice never changes:
            late usage goes to the next one.
          </p>
          {finalize.error ? <ErrorNote error={finalize.error} /> : null}
          <div className="dialog-actions">
            <button type="button" className="button" onClick={close} disabled={finalize.isPending}>
              Cancel
            </button>
            <button
              type="button"
              className="button button-primary"
              disabled={finalize.isPending}
              onClick={() => finalize.mutate({ id: invoice.id })}
            >
              {finalize.isPending ? 'Finalizing …' : 'Finalize invoice'}
            </button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}
