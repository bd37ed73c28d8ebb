import { Link } from 'react-router';
import { useRead } from '../api/hooks';
import { whyNot } from '../catalog/matches';
import type { Meter } from '../catalog/queries';
import { CustomerLink } from '../customers/CustomerLink';
import { useCustomerFacts } from '../customers/facts';
import { Properties } from '../events/Properties';
import { RECENT_EVENTS } from '../events/queries';
import { formatDateTimeSeconds } from '../format/time';
import { Rows } from '../ui/elements';
import { Empty, Loaded } from '../ui/states';

/** The newest events that the API lists; older ones are behind their invoice lines. */
const NEWEST = 200;

/** The events of a bar, among the newest ones. */
export function WindowEvents({
  meter,
  customer,
  from,
  to,
  label,
  timeZone,
  onClose,
}: {
  meter: Meter;
  customer: string;
  from: string;
  to: string;
  label: string;
  timeZone: string;
  onClose: () => void;
}) {
  const result = useRead(RECENT_EVENTS, { limit: NEWEST });
  const within = (result.data?.recentEvents ?? []).filter(
    (event) =>
      Date.parse(from) <= Date.parse(event.timestamp) &&
      Date.parse(event.timestamp) < Date.parse(to) &&
      (customer === '' || event.customer === customer) &&
      event.correctedBy === null &&
      whyNot(meter, event) === null,
  );
  const facts = useCustomerFacts(within.map((event) => event.customer));
  return (
    <section className="window-events" aria-label={`Events from ${label}`}>
      <div className="card-head">
        <h3>Events from {label}</h3>
        <button type="button" className="button button-small" onClick={onClose}>
          Close
        </button>
      </div>
      <Loaded result={result} what="events">
        {() =>
          within.length === 0 ? (
            <Empty title={`None of the ${NEWEST} newest events`}>
              Older events are behind the lines of their <Link to="/invoices">invoices</Link>.
            </Empty>
          ) : (
            <Rows
              label="Events of the bar"
              rows={within}
              keyOf={({ idempotencyKey }) => idempotencyKey}
              columns={[
                { head: 'Happened', cell: (event) => formatDateTimeSeconds(event.timestamp, timeZone) },
                {
                  head: 'Customer',
                  cell: (event) => <CustomerLink customer={event.customer} name={facts.nameOf(event.customer)} />,
                },
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
          )
        }
      </Loaded>
    </section>
  );
}
