import { lazy, Suspense, useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { useRead } from '../api/hooks';
import { METERS, type Meter } from '../catalog/queries';
import { spellOutMeter } from '../catalog/spellOut';
import { CustomerFilter } from '../customers/CustomerField';
import { useCustomerFacts } from '../customers/facts';
import { formatCount, formatQuantity } from '../format/decimal';
import { addDays, calendarDay, formatDateTime, formatDayMonth, isCalendarDay } from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { useOrgNow } from '../ui/clock';
import { Card, PageHead, Rows, Segmented, type Column } from '../ui/elements';
import { Empty, Loaded, Loading } from '../ui/states';
import { useTitle } from '../ui/title';
import { addsUp, tickLabel, totalLabel, WINDOW_NAMES, windowLabel } from './labels';
import { USAGE_REPORT, type UsageGroup, type UsageReport } from './queries';
import {
  customRange,
  MAX_BARS,
  pointCount,
  possibleWindows,
  presetRange,
  toWire,
  type RangePreset,
  type TimeRange,
  type UsageWindow,
} from './timeRange';
import { WindowEvents } from './WindowEvents';

const StackedBars = lazy(() => import('../charts/StackedBars').then(({ StackedBars: bars }) => ({ default: bars })));

const PRESETS = [
  { value: '24h', label: 'Last 24 h' },
  { value: '7d', label: '7 d' },
  { value: '30d', label: '30 d' },
  { value: 'custom', label: 'Custom' },
] as const;

/** Refresh interval of the chart, in ms. */
const REFRESH = 30_000;

/** Groups that a chart tells apart. */
const TOP = 7;

/** As the API bounds groups × points. */
const MAX_POINTS = 5_000;

const CUSTOMER = 'CUSTOMER';
const OTHERS = 'all others';

export function UsagePage() {
  const mayCreate = useMay('admin');
  const result = useRead(METERS, { archived: false });
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
                  <p>Usage is counted by meters.</p>
                  {mayCreate ? (
                    <Link className="button" to="/meters">
                      Create the first meter
                    </Link>
                  ) : null}
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
function Timeline({ meters, now }: { meters: readonly Meter[]; now: number }) {
  const orgZone = useTimeZone();
  const [params, setParams] = useSearchParams();
  const meter = meters.find(({ key }) => key === params.get('meter')) ?? meters[0];
  const preset = PRESETS.find(({ value }) => value === params.get('range'))?.value ?? '7d';
  const customer = params.get('customer') ?? '';
  const timeZone = params.get('zone') === 'UTC' ? 'UTC' : orgZone;
  const by = [CUSTOMER, ...(meter?.dimensions ?? [])].find((one) => one === params.get('by')) ?? '';
  const compare = params.get('compare') === 'yes';
  const today = calendarDay(now, timeZone);
  const [first, last] = customDays(params, today);
  const base = preset === 'custom' ? customRange(first, last, timeZone) : presetRange(preset, now, timeZone);
  const bars = Math.min(MAX_BARS, by === '' ? MAX_BARS : Math.floor(MAX_POINTS / (TOP + 1)));
  const windows = base ? possibleWindows(base.from, base.to, bars) : [];
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
            <label htmlFor="usage-by">By</label>
            <select id="usage-by" value={by} onChange={(event) => set({ by: event.target.value })}>
              <option value="">all together</option>
              <option value={CUSTOMER}>customer</option>
              {meter.dimensions.map((dimension) => (
                <option key={dimension} value={dimension}>
                  {dimension}
                </option>
              ))}
            </select>
          </div>
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
          {orgZone === 'UTC' ? null : (
            <div className="field">
              <label htmlFor="usage-zone">Time zone</label>
              <select id="usage-zone" value={timeZone} onChange={(event) => set({ zone: event.target.value })}>
                <option value={orgZone}>{orgZone}</option>
                <option value="UTC">UTC</option>
              </select>
            </div>
          )}
          <label className="check">
            <input
              type="checkbox"
              checked={compare}
              onChange={(event) => set({ compare: event.target.checked ? 'yes' : '' })}
            />
            Compare with the time before
          </label>
        </div>
      </Card>
      {base === null ? (
        <Card>
          <Empty title="The last day is before the first day">Choose a range of at least one day.</Empty>
        </Card>
      ) : pointCount(base.from, base.to, window) > bars ? (
        <Card>
          <Empty title="This range is too long for one chart">Choose at most {bars} days.</Empty>
        </Card>
      ) : (
        <Answer
          key={JSON.stringify([meter.key, customer, by, base, window, timeZone])}
          meter={meter}
          customer={customer}
          by={by}
          compare={compare}
          range={{ ...base, window }}
          timeZone={timeZone}
        />
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

type AnswerProps = {
  meter: Meter;
  customer: string;
  by: string;
  compare: boolean;
  range: TimeRange;
  timeZone: string;
};

function Answer({ meter, customer, by, compare, range, timeZone }: AnswerProps) {
  const [view, setView] = useState<'chart' | 'table'>('chart');
  const common = {
    meter: meter.key,
    from: toWire(range.from),
    to: toWire(range.to),
    timeZone,
    ...(customer ? { customers: [customer] } : {}),
  };
  // The whole as one group: its quantity is not always the sum of the groups' (a maximum, unique values).
  const whole = useRead(
    USAGE_REPORT,
    { input: { ...common, window: range.window, comparePrevious: compare } },
    { every: REFRESH },
  );
  const grouped = useRead(
    USAGE_REPORT,
    {
      input: {
        ...common,
        window: range.window,
        groupBy: [by],
        comparePrevious: compare,
        ...(addsUp(meter.aggregation) ? { top: TOP } : {}),
      },
    },
    { every: REFRESH, enabled: by !== '' },
  );
  const result = by === '' ? whole : grouped;
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
        , {formatDateTime(range.from, timeZone)} to {formatDateTime(range.to, timeZone)}, {timeZone}.
      </p>
      <Loaded result={whole} what="usage">
        {({ usageReport: total }) => (
          <>
            <Figures meter={meter} total={total.groups[0]} />
            <Loaded result={result} what="usage">
              {({ usageReport }) => {
                const { groups } = usageReport;
                return groups.length === 0 ||
                  groups.every(({ eventCount, quantity }) => eventCount === 0 && quantity === '0') ? (
                  <Empty title="No usage in this range">There are no events for this meter.</Empty>
                ) : (
                  <Shown
                    report={usageReport}
                    by={by}
                    view={view}
                    meter={meter}
                    customer={customer}
                    window={range.window}
                    timeZone={timeZone}
                    compare={compare}
                  />
                );
              }}
            </Loaded>
          </>
        )}
      </Loaded>
    </Card>
  );
}

function Figures({ meter, total }: { meter: Meter; total: UsageGroup | undefined }) {
  return (
    <div className="figures">
      <div>
        <div className="soft">{totalLabel(meter.aggregation)}</div>
        <div className="figure" data-testid="usage-total">
          {formatQuantity(total?.quantity ?? '0')}
        </div>
      </div>
      <div>
        <div className="soft">Events</div>
        <div className="figure">{formatCount(total?.eventCount ?? 0)}</div>
      </div>
      {total?.previousQuantity != null ? (
        <div>
          <div className="soft">The time before</div>
          <div className="figure">{formatQuantity(total.previousQuantity)}</div>
          {total.change === null ? null : <div className="soft">{signed(total.change)}</div>}
        </div>
      ) : null}
    </div>
  );
}

function signed(change: string): string {
  return change.startsWith('-') || change === '0' ? formatQuantity(change) : `+${formatQuantity(change)}`;
}

function Shown({
  report,
  by,
  view,
  meter,
  customer,
  window,
  timeZone,
  compare,
}: {
  report: UsageReport;
  by: string;
  view: 'chart' | 'table';
  meter: Meter;
  customer: string;
  window: UsageWindow;
  timeZone: string;
  compare: boolean;
}) {
  const [chosen, setChosen] = useState<number | null>(null);
  const facts = useCustomerFacts(by === CUSTOMER ? report.groups.flatMap((group) => group.customer ?? []) : []);
  const nameOf = (group: UsageGroup) => {
    if (group.others) return OTHERS;
    if (by === '') return meter.name;
    if (by === CUSTOMER) return facts.nameOf(group.customer ?? '') ?? group.customer ?? '';
    return group.dimensions.map(({ value }) => (value === '' ? 'no value' : value)).join(', ');
  };
  const points = report.groups[0]?.points ?? [];
  const days = new Set(points.map(({ start }) => formatDayMonth(start, timeZone))).size;
  const windows = points.map(({ start, end }) => ({
    start,
    end,
    label: windowLabel(start, window, timeZone),
    tick: tickLabel(start, days, timeZone),
  }));
  // Groups whose parts do not add up are not stacked: the chart then shows the largest ones only.
  const shown = report.groups.slice(0, TOP + 1);
  const series = shown.map((group) => ({ name: nameOf(group), points: group.points }));
  const open = chosen === null ? undefined : windows[chosen];

  return (
    <>
      {view === 'chart' ? (
        <>
          {by === '' ? null : <Legend groups={shown} nameOf={nameOf} compare={compare} />}
          <Suspense fallback={<Loading what="the chart" />}>
            <StackedBars label={meter.name} windows={windows} series={series} chosen={chosen} onChoose={setChosen} />
          </Suspense>
          {addsUp(meter.aggregation) || by === '' ? null : (
            <p className="soft">
              The parts of this meter do not add up: the height of a bar is no quantity of the whole.
            </p>
          )}
        </>
      ) : (
        <TimelineTable windows={windows} series={series} onChoose={setChosen} />
      )}
      {open ? (
        <WindowEvents
          meter={meter}
          customer={customer}
          from={open.start}
          to={open.end}
          label={open.label}
          timeZone={timeZone}
          onClose={() => setChosen(null)}
        />
      ) : null}
    </>
  );
}

function Legend({
  groups,
  nameOf,
  compare,
}: {
  groups: readonly UsageGroup[];
  nameOf: (group: UsageGroup) => string;
  compare: boolean;
}) {
  return (
    <ul className="legend" aria-label="Groups">
      {groups.map((group, index) => (
        <li key={nameOf(group)}>
          <i className={`swatch ${group.others ? 'series-others' : `series-${index % 8}`}`} aria-hidden="true" />
          {nameOf(group)} <span className="number">{formatQuantity(group.quantity)}</span>
          {compare && group.change !== null ? <span className="soft"> {signed(group.change)}</span> : null}
        </li>
      ))}
    </ul>
  );
}

type Window = { start: string; label: string };
type Series = { name: string; points: readonly { quantity: string; eventCount: number }[] };

function TimelineTable({
  windows,
  series,
  onChoose,
}: {
  windows: readonly Window[];
  series: readonly Series[];
  onChoose: (index: number) => void;
}) {
  const rows = windows.map((window, index) => ({ window, index }));
  const columns: Column<(typeof rows)[number]>[] = [
    {
      head: 'From',
      cell: ({ window, index }) => (
        <button type="button" className="link" onClick={() => onChoose(index)}>
          {window.label}
        </button>
      ),
    },
    ...series.map(({ name, points }, _, all) => ({
      head: all.length === 1 ? 'Quantity' : name,
      right: true,
      cell: ({ index }: (typeof rows)[number]) => formatQuantity(points[index]?.quantity ?? '0'),
    })),
  ];
  const [only] = series;
  if (series.length === 1 && only)
    columns.push({
      head: 'Events',
      right: true,
      cell: ({ index }) => formatCount(only.points[index]?.eventCount ?? 0),
    });
  return <Rows label="Usage timeline" rows={rows} keyOf={({ window }) => window.start} columns={columns} />;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
