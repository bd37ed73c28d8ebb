import { Link } from 'react-router';
import { useRead } from '../api/hooks';
import { PREVIEW } from '../customers/queries';
import { formatPeriod } from '../format/time';
import { INVOICES } from '../invoices/queries';
import { useTimeZone } from '../session/Viewer';
import { Loaded } from '../ui/states';
import { useCustomerFacts } from '../customers/facts';
import type { UsageEvent } from './queries';

/** Invoices of the customer that are looked through, newest first. */
const LOOKED_AT = 100;

/** The invoices whose period has the event, or the running period; late events are on a correction of a later invoice. */
export function EventPlace({ event }: { event: UsageEvent }) {
  const orgZone = useTimeZone();
  const facts = useCustomerFacts([event.customer]);
  const invoices = useRead(INVOICES, { first: LOOKED_AT, after: null, customer: event.customer, status: null });
  const running = useRead(PREVIEW, { customer: event.customer, quantities: null, subscriptionId: null });
  const within = (period: { periodStart: string; periodEnd: string }) =>
    Date.parse(period.periodStart) <= Date.parse(event.timestamp) &&
    Date.parse(event.timestamp) < Date.parse(period.periodEnd);
  return (
    <>
      <h3>On invoices</h3>
      <Loaded result={invoices} what="invoices">
        {({ invoices: page }) => {
          const billed = page.nodes.filter((one) => one.status !== 'VOID' && within(one));
          const open = (running.data?.preview ?? []).filter(within);
          const zone = (subscriptionId: string) => facts.zoneOf(subscriptionId) ?? orgZone;
          return (
            <ul className="plain">
              {billed.map((one) => (
                <li key={one.id}>
                  <Link to={`/invoices/${encodeURIComponent(one.id)}`}>{one.number ?? 'a draft'}</Link> of{' '}
                  {formatPeriod(one.periodStart, one.periodEnd, zone(one.subscriptionId))}
                  {one.number !== null && Date.parse(event.receivedAt) > Date.parse(one.periodEnd)
                    ? ': if it arrived after that was final, it is in a correction on the next one'
                    : ''}
                </li>
              ))}
              {open.map((one) => (
                <li key={one.subscriptionId}>
                  The running period, {formatPeriod(one.periodStart, one.periodEnd, zone(one.subscriptionId))}
                </li>
              ))}
              {billed.length + open.length === 0 ? (
                <li>None: no subscription of the customer has a period with this time.</li>
              ) : null}
            </ul>
          );
        }}
      </Loaded>
    </>
  );
}
