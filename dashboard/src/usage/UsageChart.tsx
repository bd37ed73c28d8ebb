import { Bar, BarChart, CartesianGrid, Tooltip, XAxis, YAxis, ResponsiveContainer } from 'recharts';
import type { UsagePoint, UsageWindow } from '../api/schema';
import { formatQuantity, toPlotValue } from '../format/decimal';
import { formatDayMonth, formatTime, isLocalMidnight } from '../format/time';
import { windowLabel } from './labels';

type Props = { points: readonly UsagePoint[]; window: UsageWindow; timeZone: string; meterName: string };

type PlotPoint = { start: string; plotted: number; point: UsagePoint };

/** Height of the drawing in px. */
const HEIGHT = 300;

export function UsageChart({ points, window, timeZone, meterName }: Props) {
  const data: PlotPoint[] = points.map((point) => ({
    start: point.start,
    plotted: toPlotValue(point.quantity),
    point,
  }));
  const days = new Set(points.map(({ start }) => formatDayMonth(start, timeZone))).size;
  const tick = (start: string) =>
    days > 2 || isLocalMidnight(start, timeZone) ? formatDayMonth(start, timeZone) : formatTime(start, timeZone);

  return (
    <figure className="chart" aria-label={`${meterName}, one bar per window; the table has the same numbers`}>
      <ResponsiveContainer width="100%" height={HEIGHT} initialDimension={{ width: 800, height: HEIGHT }}>
        <BarChart
          data={data}
          margin={{ top: 8, right: 8, bottom: 0, left: 0 }}
          barCategoryGap={points.length > 60 ? 1 : '18%'}
        >
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="start"
            tickFormatter={tick}
            minTickGap={40}
            tickLine={false}
            axisLine={{ stroke: 'var(--line-strong)' }}
            tick={{ fill: 'var(--soft)', fontSize: 12 }}
          />
          <YAxis
            width={56}
            tickFormatter={compact}
            tickLine={false}
            axisLine={false}
            tick={{ fill: 'var(--soft)', fontSize: 12 }}
          />
          <Tooltip
            cursor={{ fill: 'var(--hover)' }}
            isAnimationActive={false}
            content={({ active, payload }) => {
              const hovered = (payload[0]?.payload as PlotPoint | undefined)?.point;
              if (!active || !hovered) return null;
              return (
                <div className="tooltip">
                  <div className="soft">{windowLabel(hovered.start, window, timeZone)}</div>
                  <strong>{formatQuantity(hovered.quantity)}</strong> {meterName}
                  <div className="soft">{hovered.eventCount.toLocaleString('en')} events</div>
                </div>
              );
            }}
          />
          <Bar dataKey="plotted" fill="var(--accent)" radius={[3, 3, 0, 0]} isAnimationActive={false} maxBarSize={48} />
        </BarChart>
      </ResponsiveContainer>
    </figure>
  );
}

const compactFormat = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** For the axis labels only, which are doubles. */
function compact(value: number): string {
  return compactFormat.format(value);
}
