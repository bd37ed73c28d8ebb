import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Fragment } from 'react';
import { Link, useParams } from 'react-router';
import { graphql } from '../api';
import { formatMoney, formatPeriod, groupDigits } from '../format';
import { Failure, Loaded } from '../Loaded';

export interface InvoiceLine {
  charge: string;
  name: string;
  meter: string | null;
  quantity: string;
  amount: string;
  eventCount: number;
  eventDigest: string;
  explanation: { label: string; quantity: string; unitPrice: string; amount: string }[];
}

interface InvoiceDetail {
  id: string;
  number: string;
  customer: string;
  status: string;
  currency: string;
  total: string;
  periodStart: string;
  periodEnd: string;
  lines: InvoiceLine[];
  certificate: { planVersionHash: string; engineVersion: string; resultHash: string };
}

interface Recomputation {
  identical: boolean;
  recomputedHash: string;
  differences: { charge: string; field: string; stored: string; recomputed: string }[];
}

const detail = `query($id: ID!) {
  invoice(id: $id) {
    id number customer status currency total periodStart periodEnd
    lines { charge name meter quantity amount eventCount eventDigest explanation { label quantity unitPrice amount } }
    certificate { planVersionHash engineVersion resultHash }
  }
}`;

export function InvoicePage() {
  const { id } = useParams();
  const invoice = useQuery({
    queryKey: ['invoice', id],
    queryFn: () => graphql<{ invoice: InvoiceDetail | null }>(detail, { id }),
  });
  return <Loaded query={invoice}>{({ invoice: found }) => (found ? <Detail invoice={found} /> : <p>There is no such invoice.</p>)}</Loaded>;
}

function Detail({ invoice }: { invoice: InvoiceDetail }) {
  const client = useQueryClient();
  const recompute = useMutation({
    mutationFn: () =>
      graphql<{ recomputeInvoice: Recomputation }>(
        'mutation($id: ID!) { recomputeInvoice(id: $id) { identical recomputedHash differences { charge field stored recomputed } } }',
        { id: invoice.id },
      ),
  });
  const finalize = useMutation({
    mutationFn: () => graphql('mutation($id: ID!) { finalizeInvoice(id: $id) { id } }', { id: invoice.id }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['invoice', invoice.id] }),
  });
  return (
    <>
      <p>
        <Link to="/invoices">← Invoices</Link>
      </p>
      <h1>
        {invoice.number} <span className={`status ${invoice.status.toLowerCase()}`}>{invoice.status.toLowerCase()}</span>
      </h1>
      <p className="soft">
        {invoice.customer} · {formatPeriod(invoice.periodStart, invoice.periodEnd)}
      </p>
      <Lines lines={invoice.lines} total={invoice.total} currency={invoice.currency} />
      <div className="toolbar">
        <button onClick={() => recompute.mutate()} disabled={recompute.isPending}>
          Recompute from events
        </button>
        {invoice.status === 'DRAFT' && (
          <button className="quiet" onClick={() => finalize.mutate()} disabled={finalize.isPending}>
            Finalize
          </button>
        )}
      </div>
      {recompute.isError && <Failure error={recompute.error} />}
      {finalize.isError && <Failure error={finalize.error} />}
      {recompute.data && <Result result={recompute.data.recomputeInvoice} />}
      <h2>Certificate</h2>
      <dl className="certificate">
        <dt>Plan version</dt>
        <dd>
          <code>{invoice.certificate.planVersionHash}</code>
        </dd>
        <dt>Engine</dt>
        <dd>
          <code>{invoice.certificate.engineVersion}</code>
        </dd>
        <dt>Result</dt>
        <dd>
          <code>{invoice.certificate.resultHash}</code>
        </dd>
      </dl>
    </>
  );
}

/** Each line with the arithmetic that makes it, tier by tier. */
export function Lines({ lines, total, currency }: { lines: InvoiceLine[]; total: string; currency: string }) {
  return (
    <table data-testid="lines">
      <thead>
        <tr>
          <th>Line</th>
          <th className="number">Quantity</th>
          <th className="number">Unit price</th>
          <th className="number">Amount</th>
          <th className="number">Events</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <Fragment key={line.charge}>
            <tr className="line">
              <td>{line.name}</td>
              <td className="number">{line.meter ? groupDigits(line.quantity) : ''}</td>
              <td />
              <td className="number">{formatMoney(line.amount, currency)}</td>
              <td className="number" title={line.meter ? `digest ${line.eventDigest}` : undefined}>
                {line.meter ? line.eventCount : ''}
              </td>
            </tr>
            {line.meter &&
              line.explanation.map((step) => (
                <tr className="step" key={step.label}>
                  <td>{step.label}</td>
                  <td className="number">{groupDigits(step.quantity)}</td>
                  <td className="number">× {step.unitPrice}</td>
                  <td className="number">= {groupDigits(step.amount)}</td>
                  <td />
                </tr>
              ))}
          </Fragment>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th colSpan={3}>Total</th>
          <th className="number">{formatMoney(total, currency)}</th>
          <th />
        </tr>
      </tfoot>
    </table>
  );
}

function Result({ result }: { result: Recomputation }) {
  if (result.identical)
    return (
      <p role="status" className="good">
        Identical: the invoice rebuilt from its raw events has the same hash.
      </p>
    );
  return (
    <div role="alert" className="error">
      <p>The events give another result:</p>
      <ul>
        {result.differences.map((one) => (
          <li key={one.charge + one.field}>
            {one.charge}, {one.field}: {one.stored} is {one.recomputed} by the events
          </li>
        ))}
      </ul>
    </div>
  );
}
