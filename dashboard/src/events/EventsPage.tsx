import { useState, type SyntheticEvent } from 'react';
import { Link } from 'react-router';
import { useRead } from '../api/hooks';
import type { UsageEvent } from '../api/schema';
import { customerPath } from '../customers/queries';
import { formatDateTimeSeconds } from '../format/time';
import { useTimeZone } from '../session/Viewer';
import { Card, Fact, Facts, PageHead, Table } from '../ui/elements';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { readProperties } from './properties';

export const RECENT_EVENTS = /* GraphQL */ `
  query RecentEvents($limit: Int!) {
    recentEvents(limit: $limit) {
      idempotencyKey
      type
      customer: customerKey
      timestamp
      properties: propertiesText
      receivedAt
      batchId
    }
  }
`;

export const EVENT = /* GraphQL */ `
  query Event($key: String!) {
    event(idempotencyKey: $key) {
      idempotencyKey
      type
      customer: customerKey
      timestamp
      properties: propertiesText
      receivedAt
      batchId
    }
  }
`;

/** Refresh interval of the newest events, in ms. */
const REFRESH = 5_000;

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

function LookUp() {
  const [typed, setTyped] = useState('');
  const [key, setKey] = useState<string | null>(null);
  const result = useRead<{ event: UsageEvent | null }>(EVENT, { key }, { enabled: key !== null });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (typed === key) void result.refetch();
    else setKey(typed);
  };
  return (
    <Card title="Find an event">
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
              if (event.target.value === '') setKey(null);
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
          <Link to={customerPath(event.customer)}>{event.customer}</Link>
        </Fact>
        <Fact name="Happened">{formatDateTimeSeconds(event.timestamp, timeZone)}</Fact>
        <Fact name="Received">{formatDateTimeSeconds(event.receivedAt, timeZone)}</Fact>
        <Fact name="Batch">
          <code>{event.batchId}</code>
        </Fact>
      </Facts>
      <h3>Properties</h3>
      <Properties json={event.properties} />
    </div>
  );
}

function Recent() {
  const timeZone = useTimeZone();
  const [live, setLive] = useState(true);
  const [limit, setLimit] = useState<number>(LIMITS[1]);
  const result = useRead<{ recentEvents: UsageEvent[] }>(
    RECENT_EVENTS,
    { limit },
    { every: live ? REFRESH : false, keepPrevious: true },
  );
  return (
    <Card
      title="Recent events"
      actions={
        <div className="card-actions">
          <label className="check">
            <input type="checkbox" checked={live} onChange={(event) => setLive(event.target.checked)} />
            <span className={live && !result.isError ? 'live-dot on' : 'live-dot'} aria-hidden="true" />
            Refresh every {REFRESH / 1000} s
          </label>
          <select aria-label="How many" value={limit} onChange={(event) => setLimit(Number(event.target.value))}>
            {LIMITS.map((count) => (
              <option key={count} value={count}>
                {count} newest
              </option>
            ))}
          </select>
        </div>
      }
    >
      <Loaded result={result} what="events">
        {({ recentEvents }) =>
          recentEvents.length === 0 ? (
            <Empty title="No events yet">
              Send one to <code>POST /ingest</code> with an <Link to="/api-keys">API key</Link> with the scope{' '}
              <code>ingest</code>.
            </Empty>
          ) : (
            <Table
              label="Recent events"
              head={
                <>
                  <th scope="col">Received</th>
                  <th scope="col">Type</th>
                  <th scope="col">Customer</th>
                  <th scope="col">Timestamp</th>
                  <th scope="col">Properties</th>
                  <th scope="col">Idempotency key</th>
                </>
              }
            >
              {recentEvents.map((event) => (
                <tr key={event.idempotencyKey} data-testid="event-row">
                  <td className="nowrap">{formatDateTimeSeconds(event.receivedAt, timeZone)}</td>
                  <td>
                    <code>{event.type}</code>
                  </td>
                  <td>
                    <Link to={customerPath(event.customer)}>{event.customer}</Link>
                  </td>
                  <td className="nowrap">{formatDateTimeSeconds(event.timestamp, timeZone)}</td>
                  <td>
                    <Properties json={event.properties} />
                  </td>
                  <td>
                    <code className="breakable">{event.idempotencyKey}</code>
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </Loaded>
    </Card>
  );
}

function Properties({ json }: { json: string }) {
  const properties = readProperties(json);
  if (properties === null) return <code className="breakable">{json}</code>;
  if (properties.length === 0) return <span className="soft">none</span>;
  return (
    <ul className="properties">
      {properties.map(({ name, value }) => (
        <li key={name}>
          <span>{name}</span> <code>{value}</code>
        </li>
      ))}
    </ul>
  );
}
