import type { InvoiceLine } from '../api/schema';
import { formatMoney, formatQuantity, sameDecimal } from '../format/decimal';

/** The calculation of a line, step by step, up to the final rounding. */
export function Explanation({ line, currency }: { line: InvoiceLine; currency: string }) {
  return (
    <div className="explanation">
      {line.explanation.length === 0 ? (
        <p>There was no usage, so there is no charge.</p>
      ) : (
        <table>
          <caption className="visually-hidden">How the amount of {line.name} comes about</caption>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col" className="right">
                Quantity
              </th>
              <th scope="col" className="right">
                × unit price
              </th>
              <th scope="col" className="right">
                = amount
              </th>
            </tr>
          </thead>
          <tbody>
            {line.explanation.map((step, index) => (
              <tr key={index}>
                <td>{step.label}</td>
                <td className="right number">{formatQuantity(step.quantity)}</td>
                <td className="right number">{formatMoney(step.unitPrice, currency)}</td>
                <td className="right number">{formatMoney(step.amount, currency)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" colSpan={3}>
                {line.kind === 'ADJUSTMENT'
                  ? 'Difference: current amount minus amount already invoiced'
                  : sameDecimal(line.unroundedAmount, line.amount)
                    ? 'Sum, no rounding needed'
                    : `Sum ${formatMoney(line.unroundedAmount, currency)}, rounded once, half away from zero`}
              </th>
              <td className="right number">{formatMoney(line.amount, currency)}</td>
            </tr>
          </tfoot>
        </table>
      )}
      {line.meter === null ? null : (
        <p className="explanation-source">
          {line.kind === 'ADJUSTMENT' ? 'Now from' : 'From'} {line.eventCount.toLocaleString('en')}{' '}
          {line.eventCount === 1 ? 'event' : 'events'} of meter <code>{line.meter}</code>, digest{' '}
          <code>{line.eventDigest}</code>
        </p>
      )}
    </div>
  );
}
