import { useState } from 'react';
import { Link } from 'react-router';
import { useRead } from '../api/hooks';
import { Properties } from '../events/Properties';
import { formatCount, formatMoney, sameDecimal } from '../format/decimal';
import { formatDateTimeSeconds } from '../format/time';
import { Hash, Rows } from '../ui/elements';
import { Pager, usePaging } from '../ui/paging';
import { Empty, Loaded } from '../ui/states';
import { LINE_EVENTS, type InvoiceLine } from './queries';
import { arithmeticOf, flatten } from './steps';

type Props = {
  line: InvoiceLine;
  currency: string;
  timeZone: string;
  /** Its tiers are rates of an amount. */
  byRate: boolean;
  /** Where the events behind the line are asked for; null for a preview, which has none yet. */
  source: { invoiceId: string; ordinal: number } | null;
};

/** The calculation of a line, step by step with the steps within them, up to the final rounding, and the events behind it. */
export function Explanation({ line, currency, timeZone, byRate, source }: Props) {
  const [events, setEvents] = useState(false);
  return (
    <div className="explanation">
      {line.explanation.length === 0 ? (
        <p>
          {line.kind === 'CHARGE'
            ? 'There was no usage, so there is no charge.'
            : 'It changes nothing on this invoice.'}
        </p>
      ) : (
        <table>
          <caption className="visually-hidden">How the amount of {line.name} comes about</caption>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col" className="right">
                Calculation
              </th>
              <th scope="col" className="right">
                Amount
              </th>
            </tr>
          </thead>
          <tbody>
            {flatten(line.explanation).map(({ step, depth }, index) => (
              <tr key={index} className={`step-${depth}`}>
                <td>{step.label}</td>
                <td className="right number">{arithmeticOf(step, currency, byRate)}</td>
                <td className="right number">{formatMoney(step.amount, currency)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" colSpan={2}>
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
          {line.kind === 'ADJUSTMENT' ? 'Now from' : 'From'} {formatCount(line.eventCount)}{' '}
          {line.eventCount === 1 ? 'event' : 'events'} of meter{' '}
          <Link to={`/usage?${new URLSearchParams({ meter: line.meter }).toString()}`}>{line.meter}</Link>, digest{' '}
          <Hash value={line.eventDigest} name={`the digest of the events of ${line.name}`} />
          {source !== null && line.eventCount > 0 ? (
            <button
              type="button"
              className="button button-small"
              aria-expanded={events}
              onClick={() => setEvents(!events)}
            >
              {events ? 'Hide the events' : 'Show the events'}
            </button>
          ) : null}
        </p>
      )}
      {events && source !== null ? <LineEvents source={source} name={line.name} timeZone={timeZone} /> : null}
    </div>
  );
}

const EVENTS_PAGE_SIZE = 25;

function LineEvents({
  source,
  name,
  timeZone,
}: {
  source: NonNullable<Props['source']>;
  name: string;
  timeZone: string;
}) {
  const paging = usePaging(`${source.invoiceId} ${source.ordinal}`);
  const result = useRead(
    LINE_EVENTS,
    { ...source, first: EVENTS_PAGE_SIZE, after: paging.after },
    { keepPrevious: true },
  );
  return (
    <Loaded result={result} what="events">
      {({ invoiceLineEvents }) =>
        invoiceLineEvents.nodes.length === 0 ? (
          <Empty title="No events" />
        ) : (
          <>
            <Rows
              label={`Events of ${name}`}
              rows={invoiceLineEvents.nodes}
              keyOf={(event) => event.idempotencyKey}
              columns={[
                { head: 'Happened', cell: (event) => formatDateTimeSeconds(event.timestamp, timeZone) },
                { head: 'Type', cell: (event) => <code>{event.type}</code> },
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
            <Pager
              paging={paging}
              size={EVENTS_PAGE_SIZE}
              data={invoiceLineEvents}
              busy={result.isPlaceholderData}
              what="events"
            />
          </>
        )
      }
    </Loaded>
  );
}
