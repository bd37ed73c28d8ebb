import { Link, useSearchParams } from 'react-router';
import { useRead } from '../api/hooks';
import type { CurrentUsage, Customer, Page, Subscription } from '../api/schema';
import { formatDateTime, formatPeriod } from '../format/time';
import { InvoiceList } from '../invoices/InvoiceList';
import { useTimeZone } from '../session/Viewer';
import { Card, Fact, Facts, Money, PageHead, Quantity, Table } from '../ui/elements';
import { Pager, usePaging } from '../ui/paging';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { CURRENT_USAGE, CUSTOMER, SUBSCRIPTIONS } from './queries';

const SUBSCRIPTIONS_PAGE_SIZE = 10;
const INVOICES_PAGE_SIZE = 6;

export function CustomerPage() {
  const [params] = useSearchParams();
  const key = params.get('key') ?? '';
  const timeZone = useTimeZone();
  const result = useRead<{ customer: Customer | null }>(CUSTOMER, { key });
  useTitle(key || 'Customer');

  return (
    <>
      <Link className="back" to="/customers">
        Customers
      </Link>
      <Loaded result={result} what="the customer">
        {({ customer }) =>
          customer === null ? (
            <Empty title={`No customer has the key “${key}”`}>
              Events with this key are counted anyway: see its <Link to={usagePath(key)}>usage</Link>.
            </Empty>
          ) : (
            <>
              <PageHead title={customer.name}>
                <Link className="button" to={usagePath(key)}>
                  Usage timeline
                </Link>
              </PageHead>
              <Card>
                <Facts>
                  <Fact name="Key">
                    <code>{customer.key}</code>
                  </Fact>
                  <Fact name="E-mail">{customer.email ?? '–'}</Fact>
                  <Fact name="Created">{formatDateTime(customer.createdAt, timeZone)}</Fact>
                </Facts>
              </Card>
              <CurrentUsageCard customer={key} />
              <SubscriptionsCard customer={key} />
              <Card title="Invoices">
                <InvoiceList customer={key} status={null} pageSize={INVOICES_PAGE_SIZE} ofOneCustomer />
              </Card>
            </>
          )
        }
      </Loaded>
    </>
  );
}

function usagePath(customer: string): string {
  return `/usage?${new URLSearchParams({ customer }).toString()}`;
}

function CurrentUsageCard({ customer }: { customer: string }) {
  const timeZone = useTimeZone();
  const result = useRead<{ currentUsage: CurrentUsage[] }>(CURRENT_USAGE, { customer });
  return (
    <Card title="Current usage">
      <Loaded result={result} what="current usage">
        {({ currentUsage }) =>
          currentUsage.length === 0 ? (
            <Empty title="No metered usage">This customer has no active subscription with a metered charge.</Empty>
          ) : (
            <Table
              label="Current usage"
              head={
                <>
                  <th scope="col">Charge</th>
                  <th scope="col">Period</th>
                  <th scope="col" className="right">
                    Quantity so far
                  </th>
                  <th scope="col" className="right">
                    Amount so far
                  </th>
                </>
              }
            >
              {currentUsage.map((usage) => (
                <tr key={usage.subscriptionId + usage.charge + usage.periodStart}>
                  <td>
                    <Link to={`/usage?${new URLSearchParams({ customer, meter: usage.meter }).toString()}`}>
                      {usage.charge}
                    </Link>
                  </td>
                  <td>{formatPeriod(usage.periodStart, usage.periodEnd, timeZone)}</td>
                  <td className="right">
                    <Quantity value={usage.quantity} />
                  </td>
                  <td className="right">
                    <Money value={usage.amount} currency={usage.currency} />
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </Loaded>
    </Card>
  );
}

function SubscriptionsCard({ customer }: { customer: string }) {
  const paging = usePaging(customer);
  const result = useRead<{ subscriptions: Page<Subscription> }>(
    SUBSCRIPTIONS,
    { customer, first: SUBSCRIPTIONS_PAGE_SIZE, after: paging.after },
    { keepPrevious: true },
  );
  return (
    <Card title="Subscriptions">
      <Loaded result={result} what="subscriptions">
        {({ subscriptions }) =>
          subscriptions.totalCount === 0 ? (
            <Empty title="No subscriptions">A customer without a subscription gets no invoices.</Empty>
          ) : (
            <>
              <Table
                label="Subscriptions"
                head={
                  <>
                    <th scope="col">Plan</th>
                    <th scope="col">Start</th>
                    <th scope="col">End</th>
                    <th scope="col">Billed on</th>
                    <th scope="col">Time zone</th>
                  </>
                }
              >
                {subscriptions.nodes.map((subscription) => (
                  <tr key={subscription.id}>
                    <td>
                      <Link to={`/plans#${encodeURIComponent(subscription.planKey)}`}>{subscription.planKey}</Link>
                    </td>
                    <td>{formatDateTime(subscription.start, subscription.timeZone)}</td>
                    <td>{subscription.end ? formatDateTime(subscription.end, subscription.timeZone) : 'open'}</td>
                    <td>day {subscription.anchorDay} of the month</td>
                    <td>{subscription.timeZone}</td>
                  </tr>
                ))}
              </Table>
              {subscriptions.totalCount > SUBSCRIPTIONS_PAGE_SIZE ? (
                <Pager
                  paging={paging}
                  size={SUBSCRIPTIONS_PAGE_SIZE}
                  data={subscriptions}
                  busy={result.isPlaceholderData}
                  what="subscriptions"
                />
              ) : null}
            </>
          )
        }
      </Loaded>
    </Card>
  );
}
