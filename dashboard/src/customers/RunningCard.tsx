import { useState } from 'react';
import { Link } from 'react-router';
import { METERS, PLANS } from '../catalog/queries';
import type { PreviewQuery } from '../api/generated';
import { useRead } from '../api/hooks';
import { formatMoney, formatQuantity } from '../format/decimal';
import { formatPeriod } from '../format/time';
import { LineTable } from '../invoices/LineTable';
import { useTimeZone } from '../session/Viewer';
import { useOrgNow } from '../ui/clock';
import { Card } from '../ui/elements';
import { Empty, Loaded } from '../ui/states';
import { useCustomerFacts } from './facts';
import { atThisPace, meteredQuantities } from './pace';
import { CURRENT_USAGE, PREVIEW } from './queries';

/** Refresh interval, in ms. */
const REFRESH = 10_000;

type Preview = PreviewQuery['preview'][number];

/**
 * What the running periods come to so far: their invoices as they would be now, fees, discounts and taxes included, by the engine that makes
 * the invoices. And what they come to with other quantities.
 */
export function RunningCard({ customer }: { customer: string }) {
  const result = useRead(PREVIEW, { customer, quantities: null, subscriptionId: null }, { every: REFRESH });
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
  const meters = meteredQuantities(preview);
  const aggregations = useRead(METERS, { archived: true });
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
          {meters.length > 0 && assumed === null && aggregations.data ? (
            <>
              {' '}
              <button
                type="button"
                className="button button-small"
                onClick={() => setAssumed(atThisPace(preview, aggregations.data.meters, now))}
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
        has passed, for the whole period; what is no sum, such as a maximum, as it is now.
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
