import { useDeferredValue, useState } from 'react';
import type { OperationsQuery } from '../api/generated';
import { useRead } from '../api/hooks';
import { formatCount } from '../format/decimal';
import { formatDate, formatDateTime } from '../format/time';
import { useOperates, useTimeZone } from '../session/Viewer';
import { age, useSecondsSince } from '../ui/age';
import { Card, Fact, Facts, PageHead, Rows } from '../ui/elements';
import { NextPages, usePaging } from '../ui/paging';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { useHealth } from './health';
import { OPERATIONS, ORG_ACTIVITY, ORG_NAMES, ORGS, USAGE_OUTBOX } from './queries';

/** Refresh interval, in ms. */
const REFRESH = 5_000;
const PAGE_SIZE = 25;

/** Counting is behind when events that were received so long ago may not be counted yet, in seconds. It looks back 15 by itself. */
const BEHIND = 120;

/** What waits is counted up to here. */
const MAX_COUNTED = 10_000;

/** The installation, for those who operate it. */
export function OperatorPage() {
  const operates = useOperates();
  useTitle('Installation');
  if (!operates) return <PageHead title="Page not found" intro="Choose a page from the menu." />;
  return (
    <>
      <PageHead
        title="Installation"
        intro="All orgs: how much is counted, how far behind that is, and what waits. Nothing of what is in them."
      />
      <Figures />
      <Services />
      <Orgs />
    </>
  );
}

function Figures() {
  const result = useRead(OPERATIONS, {}, { every: REFRESH });
  return (
    <Loaded result={result} what="figures">
      {({ operations }) => (
        <>
          <Counting operations={operations} />
          <Ranked operations={operations} />
        </>
      )}
    </Loaded>
  );
}

function Counting({ operations: one }: { operations: OperationsQuery['operations'] }) {
  const behind = useSecondsSince(one.countedThrough);
  const fine = (behind === null || behind <= BEHIND) && one.openDifferences === 0;
  return (
    <Card title="Counting">
      <p className={fine ? 'outcome outcome-same' : 'outcome outcome-different'}>
        <strong>
          {one.openDifferences > 0
            ? 'A difference is being repaired'
            : behind === null
              ? 'Nothing was received yet'
              : behind > BEHIND
                ? 'Counting is behind'
                : 'Every event is counted'}
        </strong>
        {behind === null ? null : <span>All that was received up to {age(behind)} ago is counted or set aside.</span>}
      </p>
      <Facts>
        <Figure name="Events in the last minute" value={one.eventsLastMinute} />
        <Figure name="In the last hour" value={one.eventsLastHour} />
        <Figure name="In the last day" value={one.eventsLastDay} />
        <Fact name="Longest way to the count">
          <span className="figure">
            {one.slowestMilliseconds === null ? '–' : `${(one.slowestMilliseconds / 1_000).toFixed(1)} s`}
          </span>
          <div className="soft">in the last minute</div>
        </Fact>
        <Outbox />
        <Figure name="Billing events to publish" value={one.unpublished} since={one.unpublishedSince} />
        <Figure name="Dead letters" value={one.deadLetters} since={one.deadLettersSince} />
        <Figure name="Differences open" value={one.openDifferences} />
        <Figure name="Orgs with held invoices" value={new Set(one.heldOrgs.map(({ orgId }) => orgId)).size} />
      </Facts>
    </Card>
  );
}

function Outbox() {
  const { data, error } = useRead(USAGE_OUTBOX, {}, { every: REFRESH });
  if (!data) return <Fact name="Batches to publish">{error ? 'not known' : <span className="figure">…</span>}</Fact>;
  const { batches, oldestReceivedAt } = data.usageOutbox;
  return <Figure name="Batches to publish" value={batches} since={oldestReceivedAt} />;
}

function Figure({ name, value, since = null }: { name: string; value: number; since?: string | null }) {
  const waited = useSecondsSince(since);
  return (
    <Fact name={name}>
      <span className="figure">
        {formatCount(value)}
        {value >= MAX_COUNTED && since !== null ? ' or more' : ''}
      </span>
      {waited === null ? null : <div className="soft">the oldest for {age(waited)}</div>}
    </Fact>
  );
}

/** Orgs whose invoices are held, and those that send the most. */
function Ranked({ operations: { heldOrgs, busiestOrgs } }: { operations: OperationsQuery['operations'] }) {
  const timeZone = useTimeZone();
  const ids = [...new Set([...heldOrgs, ...busiestOrgs].map(({ orgId }) => orgId))].sort();
  const { data } = useRead(
    ORG_NAMES,
    { ids, first: Math.max(1, ids.length) },
    { enabled: ids.length > 0, keepPrevious: true },
  );
  const names = new Map(data?.orgs.nodes.map(({ id, name }) => [id, name]));
  const org = ({ orgId }: { orgId: string }) => names.get(orgId) ?? <code className="breakable">{orgId}</code>;
  return (
    <>
      {heldOrgs.length === 0 ? null : (
        <Card title="Held invoices">
          <Rows
            label="Held invoices"
            rows={heldOrgs}
            keyOf={({ orgId, code }) => `${orgId} ${code}`}
            columns={[
              { head: 'Org', cell: org },
              { head: 'Why', cell: ({ code }) => <code className="breakable">{code}</code> },
              { head: 'Invoices', right: true, cell: ({ invoices }) => formatCount(invoices) },
              {
                head: 'Due since',
                cell: ({ dueSince }) => (dueSince === null ? '–' : formatDateTime(dueSince, timeZone)),
              },
            ]}
          />
        </Card>
      )}
      {busiestOrgs.length === 0 ? null : (
        <Card title="Busiest orgs of the last hour">
          <Rows
            label="Busiest orgs"
            rows={busiestOrgs.slice(0, 5)}
            keyOf={({ orgId }) => orgId}
            columns={[
              { head: 'Org', cell: org },
              { head: 'Events', right: true, cell: ({ events }) => formatCount(events) },
            ]}
          />
        </Card>
      )}
    </>
  );
}

function Services() {
  const result = useHealth(REFRESH);
  return (
    <Card title="Services">
      <Loaded result={result} what="the health of services">
        {(services) => (
          <Rows
            label="Services"
            rows={services}
            keyOf={({ name }) => name}
            columns={[
              { head: 'Service', cell: ({ name }) => name },
              {
                head: 'State',
                cell: ({ healthy }) => (
                  <span className={healthy ? 'badge badge-active' : 'badge badge-failed'}>
                    {healthy ? 'Healthy' : 'Not healthy'}
                  </span>
                ),
              },
              { head: 'Its answer', cell: ({ answer }) => answer ?? 'none' },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}

function Orgs() {
  const timeZone = useTimeZone();
  const [typed, setTyped] = useState('');
  const search = useDeferredValue(typed.trim());
  const paging = usePaging(search);
  const result = useRead(
    ORGS,
    { first: PAGE_SIZE, after: paging.after, search: search || null },
    { keepPrevious: true },
  );
  const orgIds = result.data?.orgs.nodes.map(({ id }) => id) ?? [];
  const activity = useRead(
    ORG_ACTIVITY,
    { orgIds },
    { enabled: orgIds.length > 0, every: REFRESH, keepPrevious: true },
  );
  const activityOf = new Map(activity.data?.orgActivity.map((one) => [one.orgId, one]));
  return (
    <Card title="Orgs">
      <div className="filters">
        <div className="field">
          <label htmlFor="org-search">Search</label>
          <input
            id="org-search"
            type="search"
            placeholder="Part of a name, or an id"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </div>
      </div>
      <Loaded result={result} what="orgs">
        {({ orgs }) =>
          orgs.nodes.length === 0 ? (
            <Empty title={search ? `No org matches “${search}”` : 'No orgs yet'} />
          ) : (
            <>
              <Rows
                label="Orgs"
                rows={orgs.nodes}
                keyOf={({ id }) => id}
                columns={[
                  { head: 'Name', cell: ({ name }) => name },
                  { head: 'Id', cell: ({ id }) => <code className="breakable">{id}</code> },
                  { head: 'Kind', cell: ({ sandbox }) => (sandbox ? 'Sandbox' : 'Live') },
                  { head: 'Since', cell: ({ createdAt }) => formatDate(createdAt, timeZone) },
                  { head: 'State', cell: ({ id }) => <State of={activityOf.get(id)} failed={activity.isError} /> },
                  {
                    head: 'Events last hour',
                    right: true,
                    cell: ({ id }) => {
                      const own = activityOf.get(id);
                      return own ? formatCount(own.eventsLastHour) : '…';
                    },
                  },
                ]}
              />
              <NextPages paging={paging} page={orgs} what="orgs" />
            </>
          )
        }
      </Loaded>
    </Card>
  );
}

function State({ of, failed }: { of: { heldInvoices: number; deadLetters: number } | undefined; failed: boolean }) {
  if (!of) return failed ? 'not known' : '…';
  if (of.heldInvoices > 0) return <span className="badge badge-failed">{formatCount(of.heldInvoices)} held</span>;
  return of.deadLetters > 0 ? (
    <span className="badge badge-paused">{formatCount(of.deadLetters)} dead letters</span>
  ) : (
    <span className="badge badge-active">Fine</span>
  );
}
