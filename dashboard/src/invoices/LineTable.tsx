import { Fragment, useId, useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { useRead } from '../api/hooks';
import { PLANS, type Charge } from '../catalog/queries';
import { formatMoney, isZero } from '../format/decimal';
import { formatPeriod } from '../format/time';
import { Card, Money, Quantity } from '../ui/elements';
import { Empty } from '../ui/states';
import { Explanation } from './Explanation';
import type { InvoiceLine } from './queries';
import { KIND_NAMES } from './steps';

export type Totals = {
  currency: string;
  total: string;
  tax: string;
  /** Null where it is not known apart from the total. */
  subtotal: string | null;
};

type Props = {
  lines: readonly InvoiceLine[];
  totals: Totals;
  timeZone: string;
  invoiceId: string | null;
  /** Hashes of the plan versions that priced the lines. */ versions: readonly string[];
  title?: string;
  children?: ReactNode;
};

/** The lines of an invoice or of a preview, each with its explanation. */
export function LineTable({ lines, totals, timeZone, invoiceId, versions, title = 'Lines', children }: Props) {
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const rates = useRateCharges(versions);
  const all = open.size === lines.length;
  const toggle = (index: number) =>
    setOpen((old) => {
      const next = new Set(old);
      if (!next.delete(index)) next.add(index);
      return next;
    });

  if (lines.length === 0) {
    return (
      <Card title={title}>
        <Empty title="Nothing is charged" />
      </Card>
    );
  }
  return (
    <Card
      title={title}
      actions={
        <button
          type="button"
          className="button button-small"
          onClick={() => setOpen(all ? new Set() : new Set(lines.keys()))}
        >
          {all ? 'Hide all explanations' : 'Explain all'}
        </button>
      }
    >
      {children}
      <div className="table-scroll" role="region" aria-label={title === 'Lines' ? 'Invoice lines' : title} tabIndex={0}>
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
            {lines.map((line, index) => (
              <Line
                key={index}
                line={line}
                currency={totals.currency}
                timeZone={timeZone}
                byRate={rates.has(line.charge)}
                source={invoiceId === null ? null : { invoiceId, ordinal: index }}
                open={open.has(index)}
                onToggle={() => toggle(index)}
              />
            ))}
          </tbody>
          <tfoot>
            {totals.subtotal === null || isZero(totals.tax) ? null : (
              <Total name="Subtotal without tax" value={totals.subtotal} currency={totals.currency} />
            )}
            {isZero(totals.tax) ? null : <Total name="Tax" value={totals.tax} currency={totals.currency} />}
            <Total name="Total" value={totals.total} currency={totals.currency} strong />
          </tfoot>
        </table>
      </div>
    </Card>
  );
}

function Total({
  name,
  value,
  currency,
  strong = false,
}: {
  name: string;
  value: string;
  currency: string;
  strong?: boolean;
}) {
  return (
    <tr className={strong ? undefined : 'subtotal'}>
      <th scope="row" colSpan={2}>
        {name}
      </th>
      <td className="right number">{formatMoney(value, currency)}</td>
      <td />
    </tr>
  );
}

type LineProps = {
  line: InvoiceLine;
  currency: string;
  timeZone: string;
  byRate: boolean;
  source: { invoiceId: string; ordinal: number } | null;
  open: boolean;
  onToggle: () => void;
};

function Line({ line, currency, timeZone, byRate, source, open, onToggle }: LineProps) {
  const id = useId();
  return (
    <Fragment>
      <tr data-testid="invoice-line">
        <td>
          {line.name}
          <div className="soft">
            <LineDetail line={line} />
            {line.span ? ` · ${formatPeriod(line.span.start, line.span.end, timeZone)}` : null}
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
            aria-controls={open ? id : undefined}
            aria-label={open ? `Hide the explanation of ${line.name}` : `Explain ${line.name}`}
            onClick={onToggle}
          >
            {open ? 'Hide' : 'Explain'}
          </button>
        </td>
      </tr>
      {open ? (
        <tr id={id} className="line-explanation">
          <td colSpan={4}>
            <Explanation line={line} currency={currency} timeZone={timeZone} byRate={byRate} source={source} />
          </td>
        </tr>
      ) : null}
    </Fragment>
  );
}

function LineDetail({ line }: { line: InvoiceLine }) {
  if (line.adjusts !== null) {
    return (
      <>
        adjustment: what changed after{' '}
        <Link to={`/invoices/${encodeURIComponent(line.adjusts.id)}`}>{line.adjusts.number}</Link> was final
      </>
    );
  }
  if (line.kind !== 'CHARGE') return <>{KIND_NAMES[line.kind]}</>;
  return <>{line.meter ?? 'fee'}</>;
}

/** The charges whose tiers are rates: an explanation's steps do not say so, the plan's version does. */
function useRateCharges(hashes: readonly string[]): ReadonlySet<string> {
  const { data } = useRead(PLANS, { archived: true });
  const versions = data?.plans.flatMap((plan) => plan.versions).filter(({ hash }) => hashes.includes(hash)) ?? [];
  const byRate = ({ price, dimensionPrices }: Charge) =>
    [price, ...dimensionPrices.map((one) => one.price)].some(({ model }) => model === 'GRADUATED_PERCENTAGE');
  return new Set(versions.flatMap(({ charges }) => charges.filter(byRate).map(({ key }) => key)));
}
