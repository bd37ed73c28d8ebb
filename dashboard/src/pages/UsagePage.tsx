import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { graphql } from '../api';
import { alignedRange, formatInstant, groupDigits } from '../format';
import { Loaded } from '../Loaded';

interface Meter {
  key: string;
  name: string;
}

interface Usage {
  usage: { quantity: string; eventCount: number };
  usageTimeline: { start: string; quantity: string; eventCount: number }[];
}

const ranges = [
  { label: 'Last 24 hours', hours: 24, window: 'HOUR' },
  { label: 'Last 7 days', hours: 7 * 24, window: 'HOUR' },
  { label: 'Last 30 days', hours: 30 * 24, window: 'DAY' },
] as const;

export function UsagePage() {
  const meters = useQuery({
    queryKey: ['meters'],
    queryFn: () => graphql<{ meters: Meter[] }>('{ meters { key name } }'),
  });
  return (
    <>
      <h1>Usage</h1>
      <Loaded query={meters}>
        {({ meters: all }) =>
          all.length === 0 ? (
            <p className="soft">There are no meters yet. A meter turns events into a quantity.</p>
          ) : (
            <Timeline meters={all} />
          )
        }
      </Loaded>
    </>
  );
}

function Timeline({ meters }: { meters: Meter[] }) {
  const [meter, setMeter] = useState(meters[0]!.key);
  const [range, setRange] = useState(1);
  const [customer, setCustomer] = useState('');
  const { hours, window } = ranges[range]!;
  const span = useMemo(() => alignedRange(new Date(), hours), [hours]);
  const usage = useQuery({
    queryKey: ['usage', meter, span, window, customer],
    queryFn: () =>
      graphql<Usage>(
        `
          query ($meter: String!, $from: DateTime!, $to: DateTime!, $window: UsageWindow!, $customer: String) {
            usage(meter: $meter, from: $from, to: $to, customer: $customer) {
              quantity
              eventCount
            }
            usageTimeline(meter: $meter, from: $from, to: $to, window: $window, customer: $customer) {
              start
              quantity
              eventCount
            }
          }
        `,
        { meter, ...span, window, customer: customer || null },
      ),
    refetchInterval: 5000,
  });
  return (
    <>
      <div className="toolbar">
        <label>
          Meter{' '}
          <select value={meter} onChange={(event) => setMeter(event.target.value)}>
            {meters.map(({ key, name }) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Range{' '}
          <select value={range} onChange={(event) => setRange(Number(event.target.value))}>
            {ranges.map(({ label }, index) => (
              <option key={label} value={index}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label>
          Customer <input value={customer} onChange={(event) => setCustomer(event.target.value.trim())} placeholder="all" />
        </label>
      </div>
      <Loaded query={usage}>
        {(data) => (
          <>
            <p className="figure" data-testid="usage-total">
              {groupDigits(data.usage.quantity)} <small className="soft">from {data.usage.eventCount} events</small>
            </p>
            <div className="card chart" role="img" aria-label="Timeline of usage; the table below has the same figures">
              <ResponsiveContainer width="100%" height={280}>
                {/* A bar's height may be rounded; the figures beside it are not. */}
                <BarChart data={data.usageTimeline.map((point) => ({ start: point.start, value: Number(point.quantity) }))}>
                  <CartesianGrid vertical={false} stroke="var(--line)" />
                  <XAxis
                    dataKey="start"
                    tickFormatter={(start: string) => start.slice(5, 16).replace('T', ' ')}
                    minTickGap={48}
                    stroke="var(--soft)"
                    fontSize={12}
                  />
                  <YAxis stroke="var(--soft)" fontSize={12} width={64} />
                  <Tooltip labelFormatter={(start) => formatInstant(String(start))} />
                  <Bar dataKey="value" fill="var(--accent)" isAnimationActive={false} name="Quantity" />
                </BarChart>
              </ResponsiveContainer>
            </div>
            <details>
              <summary>As a table</summary>
              <table>
                <thead>
                  <tr>
                    <th>From</th>
                    <th className="number">Quantity</th>
                    <th className="number">Events</th>
                  </tr>
                </thead>
                <tbody>
                  {data.usageTimeline
                    .filter((point) => point.eventCount > 0)
                    .map((point) => (
                      <tr key={point.start}>
                        <td>{formatInstant(point.start)}</td>
                        <td className="number">{groupDigits(point.quantity)}</td>
                        <td className="number">{point.eventCount}</td>
                      </tr>
                    ))}
                </tbody>
              </table>
            </details>
          </>
        )}
      </Loaded>
    </>
  );
}
