import { useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { useChange, useRead } from '../api/hooks';
import { CustomerLink } from '../customers/CustomerLink';
import { useCustomerFacts } from '../customers/facts';
import { ConfirmDialog, FormDialog, stated, statedInstant } from '../forms/FormDialog';
import { formatMoney, isZero } from '../format/decimal';
import { formatDateTime, formatPeriod, toLocalField } from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { useOrgNow } from '../ui/clock';
import { Card, Fact, Facts, Hash, PageHead, Rows, StatusBadge } from '../ui/elements';
import { Menu } from '../ui/Menu';
import { Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { LineTable } from './LineTable';
import {
  CREATE_CREDIT_NOTE,
  FINALIZE,
  INVOICE,
  MARK_PAID,
  MARK_UNPAID,
  REISSUE,
  VOID_INVOICE,
  type Invoice,
} from './queries';
import { RecomputeCard } from './RecomputeCard';

export function InvoicePage() {
  const { id = '' } = useParams();
  const result = useRead(INVOICE, { id });
  useTitle(result.data?.invoice?.number ?? 'Invoice');
  return (
    <>
      <Link className="back" to="/invoices">
        Invoices
      </Link>
      <Loaded result={result} what="the invoice">
        {({ invoice }) =>
          invoice === null ? (
            <PageHead
              title="Invoice not found"
              intro="A draft may have been replaced by a newer one: look for it in the list."
            />
          ) : (
            <InvoiceDetail invoice={invoice} />
          )
        }
      </Loaded>
    </>
  );
}

function InvoiceDetail({ invoice }: { invoice: Invoice }) {
  const orgZone = useTimeZone();
  const facts = useCustomerFacts([invoice.customer]);
  const timeZone = facts.zoneOf(invoice.subscriptionId) ?? orgZone;
  const name = facts.nameOf(invoice.customer);
  const money = (value: string) => formatMoney(value, invoice.currency);
  return (
    <>
      <PageHead
        title={
          <>
            {invoice.number ?? `Draft for ${name ?? invoice.customer}`} <StatusBadge status={invoice.status} />
          </>
        }
      >
        <Documents invoice={invoice} />
        <Actions invoice={invoice} name={name ?? invoice.customer} timeZone={timeZone} />
      </PageHead>
      <Card>
        <Facts>
          <Fact name="Total">
            <span className="figure" data-testid="invoice-total">
              {money(invoice.total)}
            </span>
          </Fact>
          {invoice.status === 'FINALIZED' || invoice.status === 'PAID' ? (
            <Fact name="Due">
              <span className="figure">{money(invoice.amountDue)}</span>
            </Fact>
          ) : null}
          <Fact name="Customer">
            <CustomerLink customer={invoice.customer} name={name} />
          </Fact>
          <Fact name="Period">
            {formatPeriod(invoice.periodStart, invoice.periodEnd, timeZone)}
            <div className="soft">in {timeZone}</div>
          </Fact>
          {isZero(invoice.creditsApplied) ? null : (
            <Fact name="From prepaid credits">{money(invoice.creditsApplied)}</Fact>
          )}
          {isZero(invoice.balanceApplied) ? null : (
            <Fact name={invoice.balanceApplied.startsWith('-') ? 'To the balance' : 'From the balance'}>
              {money(invoice.balanceApplied)}
            </Fact>
          )}
          <Fact name="Drafted">{formatDateTime(invoice.createdAt, timeZone)}</Fact>
          {invoice.finalizedAt ? <Fact name="Finalized">{formatDateTime(invoice.finalizedAt, timeZone)}</Fact> : null}
          {invoice.paidAt ? (
            <Fact name="Paid">
              {formatDateTime(invoice.paidAt, timeZone)}
              {invoice.paymentReference ? <div className="soft">{invoice.paymentReference}</div> : null}
            </Fact>
          ) : null}
          {invoice.voidedAt ? (
            <Fact name="Void">
              {formatDateTime(invoice.voidedAt, timeZone)}
              {invoice.voidReason ? <div className="soft">{invoice.voidReason}</div> : null}
            </Fact>
          ) : null}
          {invoice.reissues ? (
            <Fact name="Reissues">
              <Link to={`/invoices/${encodeURIComponent(invoice.reissues)}`}>a void invoice</Link>
            </Fact>
          ) : null}
        </Facts>
      </Card>
      <LineTable
        lines={invoice.lines}
        totals={{ currency: invoice.currency, total: invoice.total, tax: invoice.tax, subtotal: invoice.subtotal }}
        timeZone={timeZone}
        invoiceId={invoice.id}
        versions={[invoice.certificate.planVersionHash, ...invoice.certificate.planVersionHashes]}
      />
      {invoice.creditNotes.length > 0 ? (
        <Card title="Credit notes">
          <Rows
            label="Credit notes"
            rows={invoice.creditNotes}
            keyOf={(note) => note.id}
            columns={[
              { head: 'Number', cell: (note) => note.number },
              { head: 'Created', cell: (note) => formatDateTime(note.createdAt, timeZone) },
              { head: 'Reason', cell: (note) => note.reason },
              { head: 'Tax', right: true, cell: (note) => money(note.tax) },
              { head: 'Amount', right: true, cell: (note) => money(note.amount) },
            ]}
          />
        </Card>
      ) : null}
      <RecomputeCard invoice={invoice} />
      <Card title="Certificate">
        <p className="intro">The inputs of the invoice. The same inputs always give the same result hash.</p>
        <Facts>
          <Fact name="Result hash">
            <Hash value={invoice.certificate.resultHash} name="the result hash" />
          </Fact>
          {[...new Set([invoice.certificate.planVersionHash, ...invoice.certificate.planVersionHashes])].map((hash) => (
            <Fact key={hash} name="Plan version hash">
              <Hash value={hash} name="the plan version hash" />
            </Fact>
          ))}
          <Fact name="Engine version">{invoice.certificate.engineVersion}</Fact>
        </Facts>
      </Card>
    </>
  );
}

/** Documents are files of the gateway, with the session's cookie. */
function Documents({ invoice }: { invoice: Invoice }) {
  return (
    <span className="documents">
      <a className="button" href={invoice.pdfUrl} target="_blank" rel="noreferrer">
        PDF
      </a>
      <a className="button" href={invoice.htmlUrl} target="_blank" rel="noreferrer">
        Page
      </a>
      <a className="button" href={invoice.csvUrl} download>
        CSV
      </a>
    </span>
  );
}

type Asking = 'finalize' | 'paid' | 'unpaid' | 'void' | 'reissue' | 'credit' | null;

/** What can be done with the invoice in its state, for those who may. */
function Actions({ invoice, name, timeZone }: { invoice: Invoice; name: string; timeZone: string }) {
  const may = useMay('billing');
  const navigate = useNavigate();
  const now = useOrgNow();
  const [asking, setAsking] = useState<Asking>(null);
  const close = () => setAsking(null);
  const finalize = useChange(FINALIZE, close);
  const paid = useChange(MARK_PAID, close);
  const unpaid = useChange(MARK_UNPAID, close);
  const voiding = useChange(VOID_INVOICE, close);
  const credit = useChange(CREATE_CREDIT_NOTE, close);
  const reissue = useChange(REISSUE, ({ reissueInvoice }) =>
    navigate(`/invoices/${encodeURIComponent(reissueInvoice.id)}`),
  );
  if (!may) return null;
  const { id, status } = invoice;
  const final = status === 'FINALIZED' || status === 'PAID';
  const total = formatMoney(invoice.total, invoice.currency);
  return (
    <>
      {status === 'DRAFT' ? (
        <button type="button" className="button button-primary" onClick={() => setAsking('finalize')}>
          Finalize
        </button>
      ) : null}
      {status === 'FINALIZED' ? (
        <button type="button" className="button button-primary" onClick={() => setAsking('paid')}>
          Mark as paid
        </button>
      ) : null}
      {status === 'VOID' ? (
        <button type="button" className="button" onClick={() => setAsking('reissue')}>
          Reissue
        </button>
      ) : null}
      <Menu
        label="More actions"
        actions={[
          final && { label: 'Credit note …', onSelect: () => setAsking('credit') },
          status === 'PAID' && { label: 'Mark as unpaid …', onSelect: () => setAsking('unpaid') },
          status === 'FINALIZED' && { label: 'Void …', onSelect: () => setAsking('void'), danger: true },
        ]}
      />
      {asking === 'finalize' ? (
        <ConfirmDialog
          title={`Finalize the invoice of ${name}?`}
          submit="Finalize invoice"
          busy="Finalizing …"
          mutation={finalize}
          onConfirm={() => finalize.mutate({ id })}
          onClose={close}
        >
          <p>
            {total} for {name}. A finalized invoice never changes: late usage goes to the next one.
          </p>
        </ConfirmDialog>
      ) : null}
      {asking === 'paid' ? (
        <FormDialog
          title={`${invoice.number ?? ''} is paid`}
          intro={<p>{formatMoney(invoice.amountDue, invoice.currency)} is due.</p>}
          fields={[
            { name: 'at', label: 'Paid at', kind: 'datetime', hint: `On the clock of ${timeZone}.` },
            { name: 'reference', label: 'Reference', maxLength: 200, hint: 'Such as the number of a transfer.' },
          ]}
          initial={{ at: now === null ? '' : toLocalField(now, timeZone), reference: '' }}
          submit="Mark as paid"
          mutation={paid}
          onSubmit={(values) =>
            paid.mutate({ id, at: statedInstant(values.at, timeZone), reference: stated(values.reference) })
          }
          onClose={close}
        />
      ) : null}
      {asking === 'unpaid' ? (
        <ConfirmDialog
          title={`Take back the payment of ${invoice.number ?? ''}?`}
          submit="Mark as unpaid"
          mutation={unpaid}
          onConfirm={() => unpaid.mutate({ id })}
          onClose={close}
        >
          <p>The amount is due again. Everything that was posted stays in the ledger, and is reversed there.</p>
        </ConfirmDialog>
      ) : null}
      {asking === 'void' ? (
        <FormDialog
          title={`Void ${invoice.number ?? ''}?`}
          intro={
            <p>
              As if it had never been final, but it keeps its number. Its balance and credits are the customer’s again,
              and its period is not billed unless you reissue it.
            </p>
          }
          fields={[{ name: 'reason', label: 'Reason', required: true, maxLength: 500 }]}
          initial={{ reason: '' }}
          submit="Void invoice"
          danger
          mutation={voiding}
          onSubmit={({ reason }) => voiding.mutate({ id, reason })}
          onClose={close}
        />
      ) : null}
      {asking === 'reissue' ? (
        <ConfirmDialog
          title={`Draft ${invoice.number ?? ''} anew?`}
          submit="Reissue"
          mutation={reissue}
          onConfirm={() => reissue.mutate({ id })}
          onClose={close}
        >
          <p>A new draft of the same period, from the usage, plan and coupons that are known now.</p>
        </ConfirmDialog>
      ) : null}
      {asking === 'credit' ? (
        <FormDialog
          title={`Credit note for ${invoice.number ?? ''}`}
          intro={
            <p>
              It lowers what is due. More than that goes to the customer’s balance. All notes together are at most{' '}
              {total}.
            </p>
          }
          fields={[
            {
              name: 'amount',
              label: `Amount in ${invoice.currency}`,
              kind: 'decimal',
              required: true,
              hint: 'With its share of the tax.',
            },
            { name: 'reason', label: 'Reason', required: true, maxLength: 500 },
          ]}
          initial={{ amount: '', reason: '' }}
          submit="Create credit note"
          mutation={credit}
          onSubmit={({ amount, reason }) => credit.mutate({ input: { invoiceId: id, amount: amount.trim(), reason } })}
          onClose={close}
        />
      ) : null}
    </>
  );
}
