import { useQuery } from '@tanstack/react-query';
import { Fragment } from 'react';
import { Link } from 'react-router';
import type { OverviewQuery } from '../api/generated';
import { useRead, useRequest } from '../api/hooks';
import { CustomerLink } from '../customers/CustomerLink';
import { useCustomerFacts } from '../customers/facts';
import { atThisPace } from '../customers/pace';
import { PREVIEW } from '../customers/queries';
import { formatCount, formatMoney, formatQuantity, isZero } from '../format/decimal';
import { Big, sum } from '../format/exact';
import { calendarDay, startOfDay } from '../format/time';
import { useMay, useTimeZone, useViewer } from '../session/Viewer';
import { totalLabel } from '../usage/labels';
import { USAGE_REPORT } from '../usage/queries';
import { bucketEnd, toWire } from '../usage/timeRange';
import { age, useSecondsSince } from '../ui/age';
import { useOrgNow } from '../ui/clock';
import { Card, Fact, Facts, PageHead, Rows } from '../ui/elements';
import { Empty, Loaded, Loading } from '../ui/states';
import { useTitle } from '../ui/title';
import { OVERVIEW } from './queries';

/** Refresh interval, in ms. */
const REFRESH = 10_000;

export function OverviewPage() {
  const result = useRead(OVERVIEW, {}, { every: REFRESH });
  const { org } = useViewer();
  useTitle('Overview');
  return (
    <>
      <PageHead title={org.name} />
      <Loaded result={result} what="the overview">
        {(overview) => (
          <>
            <Checklist overview={overview} />
            <Freshness overview={overview} />
            <Revenue overview={overview} />
            <UsageByMeter overview={overview} />
          </>
        )}
      </Loaded>
    </>
  );
}

/** The way to the first invoice, until it is gone. */
function Checklist({ overview }: { overview: OverviewQuery }) {
  const isAdmin = useMay('admin');
  const mayBill = useMay('billing');
  const { org } = useViewer();
  const final = overview.finalized.totalCount + overview.paid.totalCount;
  const steps = [
    { done: overview.meters.length > 0, to: '/meters', text: 'Create a meter', may: isAdmin },
    {
      done: overview.plans.some(({ current }) => current !== null),
      to: '/plans',
      text: 'Publish a plan',
      may: isAdmin,
    },
    { done: overview.customers.totalCount > 0, to: '/customers', text: 'Create a customer', may: mayBill },
    {
      done: overview.subscriptions.totalCount > 0,
      to: '/customers',
      text: 'Subscribe the customer to the plan',
      may: mayBill,
    },
    { done: overview.recentEvents.length > 0, to: '/api-keys', text: 'Send events with an API key', may: isAdmin },
    {
      done: overview.drafts.totalCount + final > 0,
      to: org.sandbox ? '/settings' : '/invoices',
      text: org.sandbox
        ? 'Move the test clock past the period’s end, and get the first draft'
        : 'Get the first draft, when a period ends',
      may: true,
    },
    { done: final > 0, to: '/invoices', text: 'Finalize the first invoice', may: mayBill },
  ];
  const left = steps.filter(({ done }) => !done);
  if (left.length === 0) return null;
  const next = left[0];
  return (
    <Card title="From nothing to the first invoice">
      <ol className="checklist">
        {steps.map((step) => (
          <li key={step.text} className={step.done ? 'done' : undefined}>
            <span className="visually-hidden">{step.done ? 'Done: ' : 'To do: '}</span>
            {step.done || !step.may ? step.text : <Link to={step.to}>{step.text}</Link>}
            {step === next && step.may ? <span className="badge">next</span> : null}
          </li>
        ))}
      </ol>
    </Card>
  );
}

function Freshness({ overview }: { overview: OverviewQuery }) {
  const { reconciliation, heldInvoices, recentEvents } = overview;
  const checked = useSecondsSince(reconciliation.lastCheckedAt);
  const arrived = useSecondsSince(recentEvents[0]?.receivedAt ?? null);
  const right = reconciliation.driftFound === reconciliation.driftRepaired;
  return (
    <>
      <p className={right ? 'outcome outcome-same' : 'outcome outcome-different'}>
        <strong>
          {checked === null
            ? arrived === null
              ? 'Nothing to count yet'
              : 'Counted, and soon compared'
            : right
              ? 'Every event is counted'
              : 'A difference is being repaired'}
        </strong>{' '}
        <span>
          {[
            checked === null ? null : `checked ${age(checked)} ago`,
            arrived === null ? null : `last event ${age(arrived)} ago`,
          ]
            .filter((part) => part !== null)
            .join(', ')}
        </span>{' '}
        <Link to="/quality">Data quality</Link>
      </p>
      {heldInvoices.length > 0 ? (
        <p className="banner">
          {heldInvoices.length === 1 ? 'One invoice is held: ' : `${heldInvoices.length} invoices are held: `}
          <Link to="/quality">see why</Link>
        </p>
      ) : null}
    </>
  );
}

/** Customers whose running periods are summed here: each is an invoice that the engine makes for the question. */
const SUMMED = 25;

/** The running periods' invoices as they would be now, by the engine that makes them; and their largest customers. */
function Revenue({ overview }: { overview: OverviewQuery }) {
  const request = useRequest();
  const running = overview.subscriptions.nodes.filter(({ status }) => status === 'ACTIVE' || status === 'PAUSED');
  const customers = [...new Set(running.map(({ customer }) => customer))].slice(0, SUMMED);
  const now = useOrgNow();
  const facts = useCustomerFacts(customers);
  const complete =
    customers.length === new Set(running.map(({ customer }) => customer)).size &&
    overview.subscriptions.nodes.length === overview.subscriptions.totalCount;
  const result = useQuery({
    queryKey: ['revenue so far', customers],
    enabled: customers.length > 0 && now !== null,
    queryFn: async ({ signal }) => {
      const previews = [];
      // One after the other: each is rated, and others ask too.
      for (const customer of customers) {
        const { preview } = await request(PREVIEW, { customer, quantities: null, subscriptionId: null }, signal);
        for (const one of preview) {
          const quantities = Object.entries(atThisPace(one, overview.meters, now)).map(([meter, quantity]) => ({
            meter,
            quantity,
          }));
          const { subscriptionId } = one;
          const then =
            quantities.length === 0
              ? [one]
              : (await request(PREVIEW, { customer, quantities, subscriptionId }, signal)).preview;
          previews.push({ ...one, forecast: then[0]?.total ?? one.total });
        }
      }
      return previews;
    },
    staleTime: 60_000,
  });
  if (customers.length === 0) return null;
  return (
    <Card title="Revenue">
      <Loaded result={result} what="running periods">
        {(previews) => {
          const currencies = [...new Set(previews.map(({ currency }) => currency))];
          const largest = [...new Set(previews.map(({ customer, currency }) => JSON.stringify([customer, currency])))]
            .map((key) => {
              const [customer, currency] = JSON.parse(key) as [string, string];
              const own = previews.filter((one) => one.customer === customer && one.currency === currency);
              return {
                customer,
                currency,
                total: sum(own.map(({ total }) => total)),
                forecast: sum(own.map(({ forecast }) => forecast)),
              };
            })
            .sort((a, b) => new Big(b.total).cmp(a.total))
            .slice(0, 5);
          return (
            <>
              <p className="intro">
                The running periods of {complete ? 'all customers' : `${customers.length} customers, not of all`}: as if
                they ended now, and at their end if usage goes on at this pace. Fees, usage, discounts and taxes, by the
                engine that makes the invoices.
              </p>
              <div className="figures">
                {currencies.map((currency) => {
                  const own = previews.filter((one) => one.currency === currency);
                  return (
                    <Fragment key={currency}>
                      <div>
                        <div className="soft">{currency} so far</div>
                        <div className="figure">{formatMoney(sum(own.map(({ total }) => total)), currency)}</div>
                      </div>
                      <div>
                        <div className="soft">{currency} at this pace</div>
                        <div className="figure" data-testid="forecast">
                          {formatMoney(sum(own.map(({ forecast }) => forecast)), currency)}
                        </div>
                      </div>
                    </Fragment>
                  );
                })}
              </div>
              {largest.length === 0 ? (
                <Empty title="No running period" />
              ) : (
                <Rows
                  label="Largest customers"
                  rows={largest}
                  keyOf={(one) => one.customer + one.currency}
                  columns={[
                    {
                      head: 'Customer',
                      cell: (one) => <CustomerLink customer={one.customer} name={facts.nameOf(one.customer)} />,
                    },
                    { head: 'So far', right: true, cell: (one) => formatMoney(one.total, one.currency) },
                    { head: 'At this pace', right: true, cell: (one) => formatMoney(one.forecast, one.currency) },
                  ]}
                />
              )}
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

const METERS_SHOWN = 6;
const DAYS = 30;

function UsageByMeter({ overview }: { overview: OverviewQuery }) {
  const timeZone = useTimeZone();
  const now = useOrgNow();
  if (overview.meters.length === 0) return null;
  if (now === null) return <Loading what="the clock" />;
  const from = toWire(startOfDay(calendarDay(now - (DAYS - 1) * 86_400_000, timeZone), timeZone));
  return (
    <Card title={`Usage in the last ${DAYS} days`}>
      <Facts>
        {overview.meters.slice(0, METERS_SHOWN).map((meter) => (
          <MeterFigure key={meter.key} meter={meter} from={from} to={toWire(bucketEnd(now))} timeZone={timeZone} />
        ))}
      </Facts>
    </Card>
  );
}

function MeterFigure({
  meter,
  from,
  to,
  timeZone,
}: {
  meter: OverviewQuery['meters'][number];
  from: string;
  to: string;
  timeZone: string;
}) {
  const { data } = useRead(USAGE_REPORT, {
    input: { meter: meter.key, from, to, timeZone, window: 'TOTAL', comparePrevious: true },
  });
  const whole = data?.usageReport.groups[0];
  return (
    <Fact name={`${meter.name}: ${totalLabel(meter.aggregation).toLowerCase()}`}>
      <Link to={`/usage?${new URLSearchParams({ meter: meter.key, range: '30d' }).toString()}`}>
        <span className="figure">{data ? formatQuantity(whole?.quantity ?? '0') : '…'}</span>
      </Link>
      {whole?.change != null ? (
        <div className="soft">
          {isZero(whole.change)
            ? 'as in the 30 days before'
            : `${whole.change.startsWith('-') ? '' : '+'}${formatQuantity(whole.change)} against the 30 days before`}
        </div>
      ) : null}
      {whole ? <div className="soft">{formatCount(whole.eventCount)} events</div> : null}
    </Fact>
  );
}
