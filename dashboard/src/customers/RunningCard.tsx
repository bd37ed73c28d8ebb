import { useState } from 'react';
import { Link } from 'react-router';
import { PLANS } from '../catalog/queries';
import type { PreviewQuery } from '../api/generated';
import { useRead } from '../api/hooks';
import { formatMoney, formatQuantity } from '../format/decimal';
import { Big } from '../format/exact';
import { formatPeriod } from '../format/time';
import { LineTable } from '../invoices/LineTable';
import { useTimeZone } from '../session/Viewer';
import { useOrgNow } from '../ui/clock';
import { Card } from '../ui/elements';
import { Empty, Loaded } from '../ui/states';
import { useCustomerFacts } from './facts';
import { CURRENT_USAGE, PREVIEW } from './queries';

type Preview = PreviewQuery['preview'][number];

/**
 * What the running periods come to so far: their invoices as they would be now, fees, discounts and taxes included, by the engine that makes
 * the invoices. And what they come to with other quantities.
 */
export function RunningCard({ customer }: { customer: string }) {
  const result = useRead(PREVIEW, { customer, quantities: null, subscriptionId: null });
  return (
    <Loaded result={result} what="the running period">
      {({ preview }) =>
        preview.length === 0 ? (
          <Card title="Running period">
            <Empty title="No running period">This customer has no active subscription.</Empty>
          </Card>
        ) : (
          preview.map((one) => <Running key={one.subscriptionId} customer={customer} preview={one} />)
        )
      }
    </Loaded>
  );
}

function Running({ customer, preview }: { customer: string; preview: Preview }) {
  const orgZone = useTimeZone();
  const facts = useCustomerFacts([customer]);
  const plans = useRead(PLANS, { archived: true });
  const now = useOrgNow();
  const timeZone = facts.zoneOf(preview.subscriptionId) ?? orgZone;
  const [assumed, setAssumed] = useState<Record<string, string> | null>(null);
  const meters = [
    ...new Map(
      preview.lines.flatMap(({ meter, quantity, kind }) =>
        meter !== null && kind === 'CHARGE' ? [[meter, quantity] as const] : [],
      ),
    ),
  ];
  const versions = plans.data?.plans.flatMap((plan) => plan.versions.map(({ hash }) => hash)) ?? [];
  return (
    <>
      <LineTable
        title="Running period"
        lines={preview.lines}
        totals={{ currency: preview.currency, total: preview.total, tax: preview.tax, subtotal: null }}
        timeZone={timeZone}
        invoiceId={null}
        versions={versions}
      >
        <p className="intro">
          {formatPeriod(preview.periodStart, preview.periodEnd, timeZone)}:{' '}
          {formatMoney(preview.total, preview.currency)} so far, with fees, discounts and taxes. Open a meter’s{' '}
          <Link to={`/usage?${new URLSearchParams({ customer }).toString()}`}>usage</Link>.
          {meters.length > 0 && assumed === null ? (
            <>
              {' '}
              <button
                type="button"
                className="button button-small"
                onClick={() => setAssumed(atThisPace(meters, preview, now))}
              >
                What will it cost?
              </button>
            </>
          ) : null}
        </p>
      </LineTable>
      {assumed === null ? null : (
        <Assumed
          customer={customer}
          preview={preview}
          meters={meters}
          assumed={assumed}
          onChange={setAssumed}
          timeZone={timeZone}
          versions={versions}
        />
      )}
    </>
  );
}

/** Quantities at the period's end if usage goes on as it has. For a quantity that is no sum, the quantity that it is now. */
function atThisPace(
  meters: readonly (readonly [string, string])[],
  preview: Preview,
  now: number | null,
): Record<string, string> {
  const [start, end] = [Date.parse(preview.periodStart), Date.parse(preview.periodEnd)];
  const past = now === null ? 0 : Math.min(Math.max(now - start, 0), end - start);
  return Object.fromEntries(
    meters.map(([meter, quantity]) => [
      meter,
      past > 0
        ? new Big(quantity)
            .times(end - start)
            .div(past)
            .round(0)
            .toFixed()
        : quantity,
    ]),
  );
}

function Assumed({
  customer,
  preview,
  meters,
  assumed,
  onChange,
  timeZone,
  versions,
}: {
  customer: string;
  preview: Preview;
  meters: readonly (readonly [string, string])[];
  assumed: Record<string, string>;
  onChange: (assumed: Record<string, string> | null) => void;
  timeZone: string;
  versions: readonly string[];
}) {
  const quantities = Object.entries(assumed)
    .filter(([, quantity]) => /^-?\d+(\.\d+)?$/.test(quantity))
    .map(([meter, quantity]) => ({ meter, quantity }));
  const result = useRead(
    PREVIEW,
    { customer, quantities, subscriptionId: preview.subscriptionId },
    { keepPrevious: true },
  );
  const [then] = result.data?.preview ?? [];
  const current = useRead(CURRENT_USAGE, { customer });
  return (
    <Card
      title="What will it cost?"
      actions={
        <button type="button" className="button button-small" onClick={() => onChange(null)}>
          Close
        </button>
      }
    >
      <p className="intro">
        The invoice of this period with these quantities. They begin at this pace: the usage so far over the time that
        has passed, for the whole period.
      </p>
      <div className="filters">
        {meters.map(([meter, quantity]) => (
          <div className="field" key={meter}>
            <label htmlFor={`assumed-${meter}`}>{meter}</label>
            <input
              id={`assumed-${meter}`}
              inputMode="decimal"
              value={assumed[meter] ?? ''}
              onChange={(event) => onChange({ ...assumed, [meter]: event.target.value })}
            />
            <p className="field-hint">
              {formatQuantity(current.data?.currentUsage.find((usage) => usage.meter === meter)?.quantity ?? quantity)}{' '}
              so far
            </p>
          </div>
        ))}
      </div>
      <Loaded result={result} what="the forecast">
        {() =>
          then ? (
            <LineTable
              title={`${formatMoney(then.total, then.currency)} at the end`}
              lines={then.lines}
              totals={{ currency: then.currency, total: then.total, tax: then.tax, subtotal: null }}
              timeZone={timeZone}
              invoiceId={null}
              versions={versions}
            />
          ) : (
            <Empty title="No running period" />
          )
        }
      </Loaded>
    </Card>
  );
}
