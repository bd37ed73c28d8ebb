import { useState, type SyntheticEvent } from 'react';
import { Link, useSearchParams } from 'react-router';
import { useRead } from '../api/hooks';
import { METERS } from '../catalog/queries';
import { whyNot } from '../catalog/matches';
import { CustomerLink } from '../customers/CustomerLink';
import { useCustomerFacts } from '../customers/facts';
import { formatDateTimeSeconds } from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { Card, Fact, Facts, PageHead, Rows } from '../ui/elements';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { EventPlace } from './EventPlace';
import { Properties } from './Properties';
import { EVENT, RECENT_EVENTS, type UsageEvent } from './queries';

/** Refresh interval of the newest events, in ms. */
const REFRESH = 2_000;

const LIMITS = [25, 50, 100, 200] as const;

export function EventsPage() {
  useTitle('Events');
  return (
    <>
      <PageHead title="Events" intro="Ingested events, newest first." />
      <LookUp />
      <Recent />
    </>
  );
}

/** Where is my event: whether it arrived, what counts it, and on which invoice it is. */
function LookUp() {
  const [params, setParams] = useSearchParams();
  const key = params.get('key');
  const [typed, setTyped] = useState(key ?? '');
  const result = useRead(EVENT, { key: key ?? '' }, { enabled: key !== null });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (typed === key) void result.refetch();
    else setParams({ key: typed }, { replace: true });
  };
  return (
    <Card title="Where is my event?">
      <form className="filters" onSubmit={submit}>
        <div className="field field-grow">
          <label htmlFor="event-key">Idempotency key</label>
          <input
            id="event-key"
            type="search"
            required
            maxLength={255}
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onChange={(event) => {
              setTyped(event.target.value);
              if (event.target.value === '') setParams({}, { replace: true });
            }}
          />
        </div>
        <button type="submit" className="button">
          Find
        </button>
      </form>
      {key === null ? null : (
        <Loaded result={result} what="the event">
          {({ event }) =>
            event === null ? (
              <Empty title="No event has this key">It was not accepted, so sending it again is safe.</Empty>
            ) : (
              <EventDetail event={event} />
            )
          }
        </Loaded>
      )}
    </Card>
  );
}

function EventDetail({ event }: { event: UsageEvent }) {
  const timeZone = useTimeZone();
  const meters = useRead(METERS, { archived: true });
  const facts = useCustomerFacts([event.customer]);
  const counting =
    event.correctedBy === null && !isVoid(event)
      ? (meters.data?.meters ?? []).filter((meter) => whyNot(meter, event) === null)
      : [];
  const find = (other: string) => `/recent-events?${new URLSearchParams({ key: other }).toString()}`;
  return (
    <div data-testid="found-event">
      <Facts>
        <Fact name="Key">
          <code className="breakable">{event.idempotencyKey}</code>
        </Fact>
        <Fact name="Type">
          <code>{event.type}</code>
        </Fact>
        <Fact name="Customer">
          <CustomerLink customer={event.customer} name={facts.nameOf(event.customer)} />
        </Fact>
        <Fact name="Happened">{formatDateTimeSeconds(event.timestamp, timeZone)}</Fact>
        <Fact name="Received">{formatDateTimeSeconds(event.receivedAt, timeZone)}</Fact>
        {event.corrects ? (
          <Fact name={event.corrects.replaces ? 'Replaces' : 'Voids'}>
            <Link to={find(event.corrects.idempotencyKey)} className="breakable">
              {event.corrects.idempotencyKey}
            </Link>
          </Fact>
        ) : null}
        {event.correctedBy ? (
          <Fact name="Corrected by">
            <Link to={find(event.correctedBy)} className="breakable">
              {event.correctedBy}
            </Link>
            <div className="soft">so it does not count any more</div>
          </Fact>
        ) : null}
        <Fact name="Counted by">
          {counting.length === 0
            ? 'no meter'
            : counting.map((meter) => (
                <div key={meter.key}>
                  <Link to={`/usage?${new URLSearchParams({ meter: meter.key, customer: event.customer }).toString()}`}>
                    {meter.name}
                  </Link>
                </div>
              ))}
        </Fact>
      </Facts>
      <h3>Properties</h3>
      <Properties json={event.properties} />
      {counting.length > 0 ? <EventPlace event={event} /> : null}
    </div>
  );
}

/** A void is an event that says that another does not count; it is not counted itself. */
function isVoid({ corrects }: UsageEvent): boolean {
  return corrects !== null && !corrects.replaces;
}

function Recent() {
  const timeZone = useTimeZone();
  const mayCreateKeys = useMay('admin');
  const [live, setLive] = useState(true);
  const [limit, setLimit] = useState<number>(LIMITS[1]);
  const result = useRead(RECENT_EVENTS, { limit }, { every: live ? REFRESH : false, keepPrevious: true });
  const facts = useCustomerFacts(result.data?.recentEvents.map(({ customer }) => customer) ?? []);
  return (
    <Card
      title="Recent events"
      actions={
        <>
          <label className="check">
            <input type="checkbox" checked={live} onChange={(event) => setLive(event.target.checked)} />
            <span className={live && !result.isError ? 'live-dot on' : 'live-dot'} aria-hidden="true" />
            Live, every {REFRESH / 1000} s
          </label>
          <select aria-label="How many" value={limit} onChange={(event) => setLimit(Number(event.target.value))}>
            {LIMITS.map((count) => (
              <option key={count} value={count}>
                {count} newest
              </option>
            ))}
          </select>
        </>
      }
    >
      <Loaded result={result} what="events">
        {({ recentEvents }) =>
          recentEvents.length === 0 ? (
            <Empty title="No events yet">
              Send one to <code>POST /ingest</code> with an{' '}
              {mayCreateKeys ? <Link to="/api-keys">API key</Link> : 'API key'} with the scope <code>ingest</code>.
            </Empty>
          ) : (
            <Rows
              label="Recent events"
              rows={recentEvents}
              keyOf={({ idempotencyKey }) => idempotencyKey}
              faded={({ correctedBy }) => correctedBy !== null}
              columns={[
                { head: 'Received', cell: (event) => formatDateTimeSeconds(event.receivedAt, timeZone) },
                { head: 'Type', cell: (event) => <code>{event.type}</code> },
                {
                  head: 'Customer',
                  cell: (event) => <CustomerLink customer={event.customer} name={facts.nameOf(event.customer)} />,
                },
                { head: 'Happened', cell: (event) => formatDateTimeSeconds(event.timestamp, timeZone) },
                { head: 'Properties', cell: (event) => <Properties json={event.properties} /> },
                {
                  head: 'Idempotency key',
                  cell: (event) => (
                    <Link to={`/recent-events?${new URLSearchParams({ key: event.idempotencyKey }).toString()}`}>
                      <code className="breakable">{event.idempotencyKey}</code>
                    </Link>
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
