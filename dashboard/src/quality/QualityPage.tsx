import { useState, type SyntheticEvent } from 'react';
import { useChange, useRead } from '../api/hooks';
import { CustomerLink } from '../customers/CustomerLink';
import { useCustomerFacts } from '../customers/facts';
import { formatCount } from '../format/decimal';
import {
  addDays,
  calendarDay,
  formatDateTime,
  formatDateTimeSeconds,
  formatPeriod,
  isCalendarDay,
  startOfDay,
} from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { useOrgNow } from '../ui/clock';
import { Card, Fact, Facts, PageHead, Rows } from '../ui/elements';
import { Empty, ErrorNote, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import {
  DEAD_LETTERS,
  DELIVERY_DEAD_LETTERS,
  QUALITY,
  RECONCILE,
  RECONCILIATION,
  REPLAY_DEAD_LETTERS,
  REPLAY_DELIVERY_DEAD_LETTERS,
  RETRY_HELD,
} from './queries';

/** Refresh interval, in ms. */
const REFRESH = 15_000;

/** What is not as it should be, each with its reason and the way out. */
export function QualityPage() {
  const isAdmin = useMay('admin');
  useTitle('Data quality');
  return (
    <>
      <PageHead
        title="Data quality"
        intro="Whether every event is counted, and what could not be counted or invoiced."
      />
      <ReconciliationCard />
      <HeldCard />
      {isAdmin ? <DeadLettersCard /> : null}
      {isAdmin ? <DeliveryDeadLettersCard /> : null}
      {isAdmin ? <ReconcileCard /> : null}
    </>
  );
}

const KINDS = {
  AGGREGATE: 'a customer’s quantity',
  BUCKET: 'a bucket’s sum',
  LOST_BATCHES: 'events that were not applied',
} as const;

function ReconciliationCard() {
  const timeZone = useTimeZone();
  const result = useRead(RECONCILIATION, {}, { every: REFRESH });
  return (
    <Card title="Reconciliation">
      <Loaded result={result} what="reconciliation">
        {({ reconciliation: one }) => (
          <>
            <p className={one.driftFound === one.driftRepaired ? 'outcome outcome-same' : 'outcome outcome-different'}>
              <strong>
                {one.lastCheckedAt === null
                  ? 'Nothing to compare yet'
                  : one.driftFound === one.driftRepaired
                    ? 'Every event is counted'
                    : 'A difference is being repaired'}
              </strong>
              <span>
                What is counted is compared with the stored events all the time, and repaired where it differs.
              </span>
            </p>
            <Facts>
              <Fact name="Last checked">
                {one.lastCheckedAt ? formatDateTimeSeconds(one.lastCheckedAt, timeZone) : 'not yet'}
              </Fact>
              <Fact name="Last complete pass">
                {one.lastPassAt ? formatDateTime(one.lastPassAt, timeZone) : 'not yet'}
                {one.lastPassAt ? <div className="soft">{formatCount(one.bucketsInLastPass)} buckets</div> : null}
              </Fact>
              <Fact name="Differences found">{formatCount(one.driftFound)}</Fact>
              <Fact name="Repaired">{formatCount(one.driftRepaired)}</Fact>
            </Facts>
            {one.findings.length === 0 ? null : (
              <Rows
                label="Differences"
                rows={one.findings}
                keyOf={(finding, index) => `${finding.foundAt} ${index}`}
                columns={[
                  { head: 'Found', cell: (finding) => formatDateTimeSeconds(finding.foundAt, timeZone) },
                  { head: 'What', cell: (finding) => KINDS[finding.kind] },
                  { head: 'Where', cell: (finding) => <span className="breakable">{finding.place}</span> },
                  { head: 'Bucket', cell: (finding) => formatDateTime(finding.bucketStart, timeZone) },
                  { head: 'Stored', cell: (finding) => <span className="breakable">{finding.stored}</span> },
                  { head: 'Events', cell: (finding) => <span className="breakable">{finding.expected}</span> },
                  {
                    head: 'Repaired',
                    cell: (finding) =>
                      finding.repairedAt ? formatDateTimeSeconds(finding.repairedAt, timeZone) : 'not yet',
                  },
                ]}
              />
            )}
          </>
        )}
      </Loaded>
    </Card>
  );
}

function HeldCard() {
  const timeZone = useTimeZone();
  const mayRetry = useMay('billing');
  const result = useRead(QUALITY, {}, { every: REFRESH });
  const retry = useChange(RETRY_HELD);
  const facts = useCustomerFacts(result.data?.heldInvoices.map(({ customer }) => customer) ?? []);
  return (
    <Card
      title="Held invoices"
      actions={
        mayRetry && (result.data?.heldInvoices.length ?? 0) > 0 ? (
          <button
            type="button"
            className="button button-small"
            disabled={retry.isPending}
            onClick={() => retry.mutate({ subscriptionIds: null })}
          >
            {retry.isPending ? 'Trying …' : 'Try them now'}
          </button>
        ) : null
      }
    >
      {retry.error ? <ErrorNote error={retry.error} /> : null}
      <Loaded result={result} what="held invoices">
        {({ heldInvoices }) =>
          heldInvoices.length === 0 ? (
            <Empty title="No invoice is held">
              An invoice that cannot be made stops no other, and is shown here with its reason.
            </Empty>
          ) : (
            <Rows
              label="Held invoices"
              rows={heldInvoices}
              keyOf={({ subscriptionId }) => subscriptionId}
              columns={[
                {
                  head: 'Customer',
                  cell: (one) => <CustomerLink customer={one.customer} name={facts.nameOf(one.customer)} />,
                },
                {
                  head: 'Period',
                  cell: (one) =>
                    one.periodStart && one.periodEnd
                      ? formatPeriod(one.periodStart, one.periodEnd, facts.zoneOf(one.subscriptionId) ?? timeZone)
                      : '–',
                },
                {
                  head: 'Why',
                  cell: (one) => (
                    <>
                      {one.message} <code className="soft">{one.code}</code>
                    </>
                  ),
                },
                {
                  head: 'Next try',
                  cell: (one) => (
                    <>
                      {formatDateTimeSeconds(one.retryAt, timeZone)}
                      <div className="soft">{one.tries === 1 ? 'tried once' : `tried ${one.tries} times`}</div>
                    </>
                  ),
                },
              ]}
            />
          )
        }
      </Loaded>
    </Card>
  );
}

function DeadLettersCard() {
  const timeZone = useTimeZone();
  const result = useRead(DEAD_LETTERS, {}, { every: REFRESH });
  const replay = useChange(REPLAY_DEAD_LETTERS);
  const done = replay.data?.replayDeadLetters;
  return (
    <Card
      title="Dead letters"
      actions={
        (result.data?.deadLetters.length ?? 0) > 0 ? (
          <button
            type="button"
            className="button button-small"
            disabled={replay.isPending}
            onClick={() => replay.mutate({ ids: null })}
          >
            {replay.isPending ? 'Replaying …' : 'Replay all'}
          </button>
        ) : null
      }
    >
      {replay.isPending ? <progress aria-label="Replaying" /> : null}
      {replay.error ? <ErrorNote error={replay.error} /> : null}
      {done ? (
        <p role="status">
          {done.replayed} replayed, {done.resolved} resolved
          {done.failed.length > 0 ? `, ${done.failed.length} failed again: ${done.failed[0]?.reason ?? ''}` : ''}.
        </p>
      ) : null}
      <Loaded result={result} what="dead letters">
        {({ deadLetters }) =>
          deadLetters.length === 0 ? (
            <Empty title="Nothing was set aside">
              Records that cannot be applied wait here; their neighbours are counted.
            </Empty>
          ) : (
            <Rows
              label="Dead letters"
              rows={deadLetters}
              keyOf={({ id }) => id}
              columns={[
                { head: 'Seen', cell: (one) => formatDateTimeSeconds(one.seenAt, timeZone) },
                { head: 'Why', cell: (one) => <span className="breakable">{one.reason}</span> },
                { head: 'From', cell: (one) => <code className="breakable">{one.source}</code> },
                { head: 'Bytes', right: true, cell: (one) => formatCount(one.bytes) },
                { head: 'Attempts', right: true, cell: (one) => one.attempts },
                {
                  head: 'Actions',
                  actions: true,
                  cell: (one) => (
                    <button
                      type="button"
                      className="button button-small"
                      aria-label={`Replay the record seen at ${formatDateTimeSeconds(one.seenAt, timeZone)}`}
                      disabled={replay.isPending}
                      onClick={() => replay.mutate({ ids: [one.id] })}
                    >
                      Replay
                    </button>
                  ),
                },
              ]}
            />
          )
        }
      </Loaded>
    </Card>
  );
}

/** Events of the org that could be sent nowhere. */
function DeliveryDeadLettersCard() {
  const timeZone = useTimeZone();
  const result = useRead(DELIVERY_DEAD_LETTERS, {}, { every: REFRESH });
  const replay = useChange(REPLAY_DELIVERY_DEAD_LETTERS);
  const done = replay.data?.replayDeliveryDeadLetters;
  return (
    <Card
      title="Events not sent"
      actions={
        (result.data?.deliveryDeadLetters.length ?? 0) > 0 ? (
          <button
            type="button"
            className="button button-small"
            disabled={replay.isPending}
            onClick={() => replay.mutate({ ids: null })}
          >
            {replay.isPending ? 'Trying …' : 'Try them again'}
          </button>
        ) : null
      }
    >
      {replay.error ? <ErrorNote error={replay.error} /> : null}
      {done ? (
        <p role="status">
          {done.replayed} tried again, {done.resolved} resolved.
        </p>
      ) : null}
      <Loaded result={result} what="events not sent">
        {({ deliveryDeadLetters }) =>
          deliveryDeadLetters.length === 0 ? (
            <Empty title="Every event became a delivery">
              An event that cannot be turned into webhooks and mails waits here.
            </Empty>
          ) : (
            <Rows
              label="Events not sent"
              rows={deliveryDeadLetters}
              keyOf={({ id }) => id}
              columns={[
                { head: 'Seen', cell: (one) => formatDateTimeSeconds(one.seenAt, timeZone) },
                { head: 'Why', cell: (one) => <span className="breakable">{one.reason}</span> },
                { head: 'From', cell: (one) => <code className="breakable">{one.source}</code> },
                { head: 'Bytes', right: true, cell: (one) => formatCount(one.bytes) },
                { head: 'Attempts', right: true, cell: (one) => one.attempts },
                {
                  head: 'Next try',
                  cell: (one) => (one.retryAt ? formatDateTimeSeconds(one.retryAt, timeZone) : 'by hand'),
                },
              ]}
            />
          )
        }
      </Loaded>
    </Card>
  );
}

/** Checks a time range now, in as many requests as it takes. */
function ReconcileCard() {
  const timeZone = useTimeZone();
  const now = useOrgNow();
  const today = now === null ? '' : calendarDay(now, timeZone);
  const [range, setRange] = useState<{ from: string; to: string } | null>(null);
  const { from, to } = range ?? { from: today, to: today };
  const [done, setDone] = useState({ buckets: 0, events: 0, found: 0 });
  const [busy, setBusy] = useState(false);
  const check = useChange(RECONCILE);
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (busy || !isCalendarDay(from) || !isCalendarDay(to) || to < from) return;
    const end = startOfDay(addDays(to, 1), timeZone);
    let at = startOfDay(from, timeZone);
    setDone({ buckets: 0, events: 0, found: 0 });
    setBusy(true);
    try {
      while (at < end) {
        const { reconcileUsage: report } = await check.mutateAsync({
          from: new Date(at).toISOString(),
          to: new Date(end).toISOString(),
        });
        setDone((old) => ({
          buckets: old.buckets + report.buckets,
          events: old.events + report.events,
          found: old.found + report.driftFound,
        }));
        const through = Date.parse(report.checkedThrough);
        if (through <= at) break;
        at = through;
      }
    } catch {
      // The mutation holds its error, which is shown.
    } finally {
      setBusy(false);
    }
  };
  if (now === null) return null;
  return (
    <Card title="Check a time now">
      <form className="filters" onSubmit={submit}>
        <div className="field">
          <label htmlFor="check-from">First day</label>
          <input
            id="check-from"
            type="date"
            required
            value={from}
            onChange={(event) => setRange({ from: event.target.value, to })}
          />
        </div>
        <div className="field">
          <label htmlFor="check-to">Last day</label>
          <input
            id="check-to"
            type="date"
            required
            value={to}
            onChange={(event) => setRange({ from, to: event.target.value })}
          />
        </div>
        <button type="submit" className="button" disabled={busy}>
          {busy ? 'Checking …' : 'Check'}
        </button>
      </form>
      {busy ? <progress aria-label="Checking" /> : null}
      {check.error ? <ErrorNote error={check.error} /> : null}
      {check.data ? (
        <p role="status">
          {formatCount(done.events)} events in {formatCount(done.buckets)} buckets compared,{' '}
          {done.found === 0 ? 'no difference.' : `${formatCount(done.found)} differences, which are repaired.`}
        </p>
      ) : null}
    </Card>
  );
}
