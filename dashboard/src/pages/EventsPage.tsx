import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { graphql } from '../api';
import { formatInstant } from '../format';
import { Loaded } from '../Loaded';

interface UsageEvent {
  idempotencyKey: string;
  type: string;
  customer: string;
  timestamp: string;
  properties: string;
  receivedAt: string;
}

const fields = 'idempotencyKey type customer timestamp properties receivedAt';

export function EventsPage() {
  const [key, setKey] = useState('');
  const events = useQuery({
    queryKey: ['events', key],
    queryFn: async () =>
      key
        ? await graphql<{ event: UsageEvent | null }>(`query($key: String!) { event(idempotencyKey: $key) { ${fields} } }`, { key }).then(
            (found) => (found.event ? [found.event] : []),
          )
        : (await graphql<{ recentEvents: UsageEvent[] }>(`{ recentEvents(limit: 50) { ${fields} } }`)).recentEvents,
    refetchInterval: 5000,
  });
  return (
    <>
      <h1>Events</h1>
      <div className="toolbar">
        <label>
          Idempotency key <input value={key} onChange={(event) => setKey(event.target.value)} placeholder="find one" />
        </label>
      </div>
      <Loaded query={events}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="soft">{key ? 'No event has this key.' : 'No events yet. Send one to POST /ingest.'}</p>
          ) : (
            <table>
              <thead>
                <tr>
                  <th>Time</th>
                  <th>Type</th>
                  <th>Customer</th>
                  <th>Properties</th>
                  <th>Key</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={row.idempotencyKey}>
                    <td title={`received ${formatInstant(row.receivedAt)}`}>{formatInstant(row.timestamp)}</td>
                    <td>{row.type}</td>
                    <td>{row.customer}</td>
                    <td>
                      <code>{row.properties}</code>
                    </td>
                    <td>
                      <code>{row.idempotencyKey}</code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
    </>
  );
}
