import { AxisBottom, AxisLeft } from '@visx/axis';
import { scaleBand, scaleLinear } from '@visx/scale';
import { useState, type KeyboardEvent } from 'react';
import { formatCount, formatQuantity, toPlotValue } from '../format/decimal';
import { compact, useWidth } from './frame';

export type Series = {
  name: string;
  /** One for each window, in the order of the windows. */
  points: readonly { quantity: string; eventCount: number }[];
};

type Props = {
  label: string;
  windows: readonly { start: string; end: string; label: string; tick: string }[];
  series: readonly Series[];
  chosen: number | null;
  onChoose: (index: number | null) => void;
};

const HEIGHT = 300;
const MARGIN = { top: 10, right: 8, bottom: 30, left: 56 };

/** Colours that differ in lightness too; the last is for the sum of all others. */
const COLOURS = 8;

export function colourOf(index: number, others: boolean): string {
  return others ? 'series-others' : `series-${index % COLOURS}`;
}

/**
 * Bars of windows, stacked by series. Only their height is a double. The chart is one stop of the keyboard: arrows go through the bars,
 * and Enter opens a bar's events.
 */
export function StackedBars({ label, windows, series, chosen, onChoose }: Props) {
  const [measure, width] = useWidth();
  const [hovered, setHovered] = useState<number | null>(null);
  const totals = windows.map((_, index) => {
    let [up, down] = [0, 0];
    for (const { points } of series) {
      const value = toPlotValue(points[index]?.quantity ?? '0');
      if (value > 0) up += value;
      else down += value;
    }
    return { up, down };
  });
  const x = scaleBand({
    domain: windows.map((_, index) => index),
    range: [MARGIN.left, width - MARGIN.right],
    paddingInner: windows.length > 60 ? 0.1 : 0.25,
  });
  const y = scaleLinear({
    domain: [Math.min(0, ...totals.map(({ down }) => down)), Math.max(0, ...totals.map(({ up }) => up)) || 1],
    range: [HEIGHT - MARGIN.bottom, MARGIN.top],
    nice: true,
  });
  const band = Math.max(x.bandwidth(), 1);
  // Labels where they change, such as at the first window of a day; every n-th of these, as many as there is room for.
  const changes = windows.flatMap((window, index) => (windows[index - 1]?.tick === window.tick ? [] : [index]));
  const every = Math.max(1, Math.ceil(changes.length / Math.max(1, Math.floor((width - MARGIN.left) / 72))));
  const first = changes.length > 2 && (changes[1] ?? 0) < windows.length / 12 ? 1 : 0;
  const shownTicks = changes.filter((_, at) => at >= first && (at - first) % every === 0);
  const active = hovered ?? chosen;
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setHovered(Math.min(Math.max((active ?? (step > 0 ? -1 : windows.length)) + step, 0), windows.length - 1));
    } else if ((event.key === 'Enter' || event.key === ' ') && active !== null) {
      event.preventDefault();
      onChoose(active === chosen ? null : active);
    }
  };
  const at = active === null ? undefined : windows[active];
  return (
    <figure className="chart" ref={measure}>
      <div
        role="application"
        aria-roledescription="chart"
        aria-label={`${label}: a bar for each window. Arrows move, Enter opens the events of a bar; the table has the same figures.`}
        tabIndex={0}
        className="chart-stop"
        onKeyDown={keys}
        onBlur={() => setHovered(null)}
      >
        <svg width={width} height={HEIGHT} aria-hidden="true" onMouseLeave={() => setHovered(null)}>
          {y.ticks(5).map((tick) => (
            <line key={tick} className="grid" x1={MARGIN.left} x2={width - MARGIN.right} y1={y(tick)} y2={y(tick)} />
          ))}
          <AxisLeft
            scale={y}
            left={MARGIN.left}
            numTicks={5}
            hideTicks
            hideAxisLine
            tickFormat={(value) => compact(Number(value))}
            tickClassName="axis-label"
          />
          <AxisBottom
            scale={x}
            top={HEIGHT - MARGIN.bottom}
            tickValues={shownTicks}
            tickFormat={(index) => windows[index]?.tick ?? ''}
            hideTicks
            axisClassName="axis"
            tickClassName="axis-label"
          />
          {windows.map((window, index) => {
            let [up, down] = [0, 0];
            return (
              <g
                key={window.start}
                className={index === active ? 'bar active' : 'bar'}
                onMouseEnter={() => setHovered(index)}
                onClick={() => onChoose(index === chosen ? null : index)}
              >
                <rect
                  className="bar-hit"
                  x={x(index)}
                  width={band}
                  y={MARGIN.top}
                  height={HEIGHT - MARGIN.top - MARGIN.bottom}
                />
                {series.map(({ name, points }, at) => {
                  const value = toPlotValue(points[index]?.quantity ?? '0');
                  if (value === 0) return null;
                  const from = value > 0 ? up : down;
                  if (value > 0) up += value;
                  else down += value;
                  const [a, b] = [y(from), y(from + value)];
                  return (
                    <rect
                      key={name}
                      className={`bar-part ${colourOf(at, name === OTHERS)}`}
                      x={x(index)}
                      width={band}
                      y={Math.min(a, b)}
                      height={Math.max(Math.abs(a - b), 1)}
                    />
                  );
                })}
              </g>
            );
          })}
        </svg>
      </div>
      <figcaption className="reading" aria-live="polite">
        {at === undefined || active === null ? (
          <span className="soft">Point at a bar to read it; choose it to see its events.</span>
        ) : (
          <>
            <strong>{at.label}</strong>
            {series.map(({ name, points }, index) => (
              <span key={name}>
                {series.length > 1 ? (
                  <i className={`swatch ${colourOf(index, name === OTHERS)}`} aria-hidden="true" />
                ) : null}
                {series.length > 1 ? `${name} ` : ''}
                <span className="number">{formatQuantity(points[active]?.quantity ?? '0')}</span>
                {series.length > 1 ? '' : `, ${formatCount(points[active]?.eventCount ?? 0)} events`}
              </span>
            ))}
          </>
        )}
      </figcaption>
    </figure>
  );
}

/** The name of the series that sums all others. */
export const OTHERS = 'all others';
