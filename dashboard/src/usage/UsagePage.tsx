import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { useRead } from '../api/hooks';
import type { Meter, Usage, UsagePoint, UsageWindow } from '../api/schema';
import { METERS } from '../catalog/queries';
import { spellOutMeter } from '../catalog/spellOut';
import { CustomerFilter } from '../customers/CustomerFilter';
import { formatQuantity } from '../format/decimal';
import { addDays, calendarDay, formatDateTime, isCalendarDay } from '../format/time';
import { useTimeZone } from '../session/Viewer';
import { useOrgNow } from '../ui/clock';
import { Card, PageHead, Segmented, Table } from '../ui/elements';
import { Empty, Loaded, Loading } from '../ui/states';
import { useTitle } from '../ui/title';
import { totalLabel, WINDOW_NAMES, windowLabel } from './labels';
import { USAGE } from './queries';
import {
  customRange,
  MAX_BARS,
  pointCount,
  possibleWindows,
  presetRange,
  toWire,
  type RangePreset,
  type TimeRange,
} from './timeRange';
import { UsageChart } from './UsageChart';

const PRESETS = [
  { value: '24h', label: 'Last 24 h' },
  { value: '7d', label: '7 d' },
  { value: '30d', label: '30 d' },
  { value: 'custom', label: 'Custom' },
] as const;

/** Refresh interval of the chart, in ms. */
const REFRESH = 30_000;

export function UsagePage() {
  const result = useRead<{ meters: Meter[] }>(METERS);
  const now = useOrgNow();
  useTitle('Usage');
  return (
    <>
      <PageHead title="Usage" intro="From pre-aggregated 15-minute buckets, including usage that was just ingested." />
      <Loaded result={result} what="meters">
        {({ meters }) => {
          if (meters.length === 0)
            return (
              <Card>
                <Empty title="No meters yet">
                  Usage is counted by meters: create one with the mutation <code>createMeter</code>.
                </Empty>
              </Card>
            );
          return now === null ? <Loading what="the clock" /> : <Timeline meters={meters} now={now} />;
        }}
      </Loaded>
    </>
  );
}

/** The URL has the whole selection, so that a view can be shared. */
function Timeline({ meters, now }: { meters: Meter[]; now: number }) {
  const timeZone = useTimeZone();
  const [params, setParams] = useSearchParams();
  const meter = meters.find(({ key }) => key === params.get('meter')) ?? meters[0];
  const preset = PRESETS.find(({ value }) => value === params.get('range'))?.value ?? '7d';
  const customer = params.get('customer') ?? '';
  const today = calendarDay(now, timeZone);
  const [first, last] = customDays(params, today);
  const base = preset === 'custom' ? customRange(first, last, timeZone) : presetRange(preset, now, timeZone);
  const windows = base ? possibleWindows(base.from, base.to) : [];
  const window = windows.find((one) => one === params.get('window')) ?? fitting(base, windows);

  const set = (changes: Record<string, string>) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old);
        for (const [name, value] of Object.entries(changes)) {
          if (value) next.set(name, value);
          else next.delete(name);
        }
        return next;
      },
      { replace: true },
    );
  if (!meter) return null;

  return (
    <>
      <Card>
        <div className="filters">
          <div className="field">
            <label htmlFor="usage-meter">Meter</label>
            <select id="usage-meter" value={meter.key} onChange={(event) => set({ meter: event.target.value })}>
              {meters.map(({ key, name }) => (
                <option key={key} value={key}>
                  {name}
                </option>
              ))}
            </select>
          </div>
          <CustomerFilter value={customer} onChange={(key) => set({ customer: key })} />
          <div className="field">
            <span className="label">Range</span>
            <Segmented<RangePreset>
              label="Range"
              options={PRESETS}
              value={preset}
              onChange={(range) => set({ range, window: '' })}
            />
          </div>
          {preset === 'custom' ? (
            <>
              <div className="field">
                <label htmlFor="usage-from">First day</label>
                <input
                  id="usage-from"
                  type="date"
                  value={first}
                  onChange={(event) => set({ from: event.target.value, window: '' })}
                />
              </div>
              <div className="field">
                <label htmlFor="usage-to">Last day</label>
                <input
                  id="usage-to"
                  type="date"
                  value={last}
                  onChange={(event) => set({ to: event.target.value, window: '' })}
                />
              </div>
            </>
          ) : null}
          {windows.length > 1 ? (
            <div className="field">
              <label htmlFor="usage-window">One bar per</label>
              <select id="usage-window" value={window} onChange={(event) => set({ window: event.target.value })}>
                {windows.map((one) => (
                  <option key={one} value={one}>
                    {WINDOW_NAMES[one]}
                  </option>
                ))}
              </select>
            </div>
          ) : null}
        </div>
      </Card>
      {base === null ? (
        <Card>
          <Empty title="The last day is before the first day">Choose a range of at least one day.</Empty>
        </Card>
      ) : pointCount(base.from, base.to, window) > MAX_BARS ? (
        <Card>
          <Empty title="This range is too long for one chart">Choose at most {MAX_BARS} days.</Empty>
        </Card>
      ) : (
        <Answer meter={meter} customer={customer} range={{ ...base, window }} />
      )}
    </>
  );
}

function customDays(params: URLSearchParams, today: string): [first: string, last: string] {
  const [from, to] = [params.get('from'), params.get('to')];
  return [isCalendarDay(from) ? from : addDays(today, -6), isCalendarDay(to) ? to : today];
}

function fitting(range: TimeRange | null, windows: readonly UsageWindow[]): UsageWindow {
  if (range && windows.includes(range.window)) return range.window;
  return windows.at(-1) ?? 'DAY';
}

function Answer({ meter, customer, range }: { meter: Meter; customer: string; range: TimeRange }) {
  const timeZone = useTimeZone();
  const [view, setView] = useState<'chart' | 'table'>('chart');
  const result = useRead<{ usage: Usage; usageTimeline: UsagePoint[] }>(
    USAGE,
    {
      meter: meter.key,
      from: toWire(range.from),
      to: toWire(range.to),
      window: range.window,
      customer: customer || null,
    },
    { every: REFRESH },
  );
  return (
    <Card
      title={meter.name}
      actions={
        <Segmented
          label="Show as"
          options={[
            { value: 'chart', label: 'Chart' },
            { value: 'table', label: 'Table' },
          ]}
          value={view}
          onChange={setView}
        />
      }
    >
      <p className="intro">
        {capitalised(spellOutMeter(meter))}
        {customer ? (
          <>
            {' '}
            of <code>{customer}</code>
          </>
        ) : null}
        , {formatDateTime(range.from, timeZone)} to {formatDateTime(range.to, timeZone)}.
      </p>
      <Loaded result={result} what="usage">
        {({ usage, usageTimeline }) => (
          <>
            <div className="figures">
              <div>
                <div className="soft">{totalLabel(meter.aggregation)}</div>
                <div className="figure" data-testid="usage-total">
                  {formatQuantity(usage.quantity)}
                </div>
              </div>
              <div>
                <div className="soft">Events</div>
                <div className="figure">{usage.eventCount.toLocaleString('en')}</div>
              </div>
            </div>
            {usage.eventCount === 0 ? (
              <Empty title="No usage in this range">There are no events for this meter.</Empty>
            ) : view === 'chart' ? (
              <UsageChart points={usageTimeline} window={range.window} timeZone={timeZone} meterName={meter.name} />
            ) : (
              <TimelineTable points={usageTimeline} window={range.window} timeZone={timeZone} />
            )}
          </>
        )}
      </Loaded>
    </Card>
  );
}

type TimelineTableProps = { points: readonly UsagePoint[]; window: UsageWindow; timeZone: string };

function TimelineTable({ points, window, timeZone }: TimelineTableProps) {
  return (
    <Table
      label="Usage timeline"
      head={
        <>
          <th scope="col">From</th>
          <th scope="col" className="right">
            Quantity
          </th>
          <th scope="col" className="right">
            Events
          </th>
        </>
      }
    >
      {points.map((point) => (
        <tr key={point.start}>
          <td>{windowLabel(point.start, window, timeZone)}</td>
          <td className="right number">{formatQuantity(point.quantity)}</td>
          <td className="right number">{point.eventCount.toLocaleString('en')}</td>
        </tr>
      ))}
    </Table>
  );
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
