import { AxisBottom, AxisLeft } from '@visx/axis';
import { scaleLinear } from '@visx/scale';
import { LinePath } from '@visx/shape';
import { useState } from 'react';
import { amountOf, type RatedCharge } from '../catalog/rate';
import { formatMoney, formatQuantity, minorUnits, toPlotValue } from '../format/decimal';
import { Big } from '../format/exact';
import { compact, useWidth } from './frame';

const HEIGHT = 220;
const MARGIN = { top: 10, right: 16, bottom: 30, left: 56 };

/** Points of the line. Each amount is exact; only its place in the drawing is not. */
const STEPS = 120;

/** Quantities that the table beside the line names. */
const NAMED = 6;

/** What a charge costs by its quantity, while it is edited. */
export function PriceCurve({ charge, currency, events }: { charge: RatedCharge; currency: string; events: number }) {
  const [measure, width] = useWidth();
  const [asked, setAsked] = useState('');
  const most = reach(charge);
  const at = (quantity: Big) =>
    amountOf(charge, quantity.toFixed(), events).round(minorUnits(currency), Big.roundHalfUp);
  const points = Array.from({ length: STEPS + 1 }, (_, index) => most.times(index).div(STEPS)).map((quantity) => ({
    x: toPlotValue(quantity.toFixed()),
    y: toPlotValue(at(quantity).toFixed()),
  }));
  const x = scaleLinear({ domain: [0, points.at(-1)?.x ?? 1], range: [MARGIN.left, width - MARGIN.right] });
  const y = scaleLinear({
    domain: [Math.min(0, ...points.map((point) => point.y)), Math.max(...points.map((point) => point.y), 1)],
    range: [HEIGHT - MARGIN.bottom, MARGIN.top],
    nice: true,
  });
  const named = Array.from({ length: NAMED }, (_, index) =>
    most
      .times(index)
      .div(NAMED - 1)
      .round(0),
  );
  const own = /^\d+(\.\d+)?$/.test(asked.trim()) ? new Big(asked.trim()) : null;
  return (
    <div className="curve">
      <figure className="chart" ref={measure}>
        <svg width={width} height={HEIGHT} role="img" aria-label="Amount by quantity; the table has the same figures">
          <AxisLeft
            scale={y}
            left={MARGIN.left}
            numTicks={4}
            hideTicks
            hideAxisLine
            tickFormat={(value) => compact(Number(value))}
            tickClassName="axis-label"
          />
          <AxisBottom
            scale={x}
            top={HEIGHT - MARGIN.bottom}
            numTicks={Math.max(2, Math.floor(width / 110))}
            hideTicks
            axisClassName="axis"
            tickFormat={(value) => compact(Number(value))}
            tickClassName="axis-label"
          />
          <LinePath data={points} x={(point) => x(point.x)} y={(point) => y(point.y)} className="line" />
        </svg>
      </figure>
      <div>
        <table className="curve-table">
          <caption className="visually-hidden">Amounts of some quantities</caption>
          <thead>
            <tr>
              <th scope="col" className="right">
                Quantity
              </th>
              <th scope="col" className="right">
                Amount
              </th>
            </tr>
          </thead>
          <tbody>
            {named.map((quantity) => (
              <tr key={quantity.toFixed()}>
                <td className="right number">{formatQuantity(quantity.toFixed())}</td>
                <td className="right number">{formatMoney(at(quantity).toFixed(), currency)}</td>
              </tr>
            ))}
            <tr>
              <td className="right">
                <input
                  aria-label="A quantity to try"
                  placeholder="Try one"
                  inputMode="decimal"
                  value={asked}
                  onChange={(event) => setAsked(event.target.value)}
                />
              </td>
              <td className="right number" aria-live="polite">
                {own ? formatMoney(at(own).toFixed(), currency) : '–'}
              </td>
            </tr>
          </tbody>
        </table>
      </div>
    </div>
  );
}

/** A quantity at which all tiers, packages and free units have shown what they do. */
function reach({ price, includedUnits }: RatedCharge): Big {
  const marks = [
    ...(price.tiers ?? []).map(({ upTo }) => upTo),
    price.freeUnits,
    price.freeAmount,
    price.packageSize ? new Big(price.packageSize).times(4).toFixed() : null,
  ].flatMap((mark) => (mark == null ? [] : [new Big(mark)]));
  const highest = marks.reduce((a, b) => (a.gt(b) ? a : b), new Big(0)).plus(includedUnits ?? 0);
  return highest.gt(0) ? highest.times('1.5') : new Big(1000);
}
