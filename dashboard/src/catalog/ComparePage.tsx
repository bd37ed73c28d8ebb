import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { useRead } from '../api/hooks';
import { CustomerLink } from '../customers/CustomerLink';
import { useCustomerFacts } from '../customers/facts';
import { formatMoney, isZero } from '../format/decimal';
import { addDays, calendarDay, formatPeriod, isCalendarDay, startOfDay } from '../format/time';
import { useTimeZone } from '../session/Viewer';
import { useOrgNow } from '../ui/clock';
import { Card, Fact, Facts, PageHead, Rows } from '../ui/elements';
import { usePaging } from '../ui/paging';
import { Empty, Loaded, Loading } from '../ui/states';
import { useTitle } from '../ui/title';
import { PLANS, WHAT_IF } from './queries';

/** What a plan version would have cost: every past period of the customers, rated with it by the same engine. */
export function ComparePage() {
  const [params] = useSearchParams();
  const version = params.get('version') ?? '';
  const plans = useRead(PLANS, { archived: true });
  const now = useOrgNow();
  useTitle('Compare');
  const plan = plans.data?.plans.find(({ versions }) => versions.some(({ id }) => id === version));
  const number = plan?.versions.find(({ id }) => id === version)?.number;
  return (
    <>
      <Link className="back" to="/plans">
        Plans
      </Link>
      <PageHead
        title={plan ? `What if: ${plan.name}, version ${number ?? ''}` : 'What if'}
        intro="Past billing periods as they were, and as they would be with this version, on the same usage."
      />
      {now === null ? <Loading what="the clock" /> : <Comparison version={version} now={now} />}
    </>
  );
}

function Comparison({ version, now }: { version: string; now: number }) {
  const timeZone = useTimeZone();
  const today = calendarDay(now, timeZone);
  const [range, setRange] = useState({ from: addDays(today, -62), to: today });
  const valid = isCalendarDay(range.from) && isCalendarDay(range.to) && range.from < range.to;
  const paging = usePaging(JSON.stringify([version, range]));
  const wire = (day: string) => new Date(startOfDay(day, timeZone)).toISOString();
  const result = useRead(
    WHAT_IF,
    {
      planVersionId: version,
      from: valid ? wire(range.from) : '',
      to: valid ? wire(range.to) : '',
      after: paging.after,
    },
    { keepPrevious: true, enabled: valid },
  );
  const facts = useCustomerFacts(result.data?.whatIf.periods.map(({ now: { customer } }) => customer) ?? []);
  return (
    <Card>
      <div className="filters">
        {(['from', 'to'] as const).map((end) => (
          <div className="field" key={end}>
            <label htmlFor={`compare-${end}`}>{end === 'from' ? 'From' : 'Before'}</label>
            <input
              id={`compare-${end}`}
              type="date"
              value={range[end]}
              onChange={(event) => setRange((old) => ({ ...old, [end]: event.target.value }))}
            />
          </div>
        ))}
      </div>
      {valid ? (
        <Loaded result={result} what="the comparison">
          {({ whatIf }) => {
            const money = (value: string) => formatMoney(value, whatIf.currency);
            return whatIf.periods.length === 0 ? (
              <Empty title="No billing periods in this time">Choose a longer time.</Empty>
            ) : (
              <>
                <Facts>
                  <Fact name="Now">
                    <span className="figure">{money(whatIf.totalNow)}</span>
                  </Fact>
                  <Fact name="Then">
                    <span className="figure">{money(whatIf.totalThen)}</span>
                  </Fact>
                  <Fact name="Of the periods below">
                    {whatIf.winners} pay less, {whatIf.losers} pay more, {whatIf.unchanged} the same
                  </Fact>
                </Facts>
                <Rows
                  label="Periods"
                  rows={whatIf.periods}
                  keyOf={({ now: period }) => period.subscriptionId + period.periodStart}
                  columns={[
                    {
                      head: 'Customer',
                      cell: ({ now: { customer } }) => (
                        <CustomerLink customer={customer} name={facts.nameOf(customer)} />
                      ),
                    },
                    {
                      head: 'Period',
                      cell: ({ now: period }) =>
                        formatPeriod(
                          period.periodStart,
                          period.periodEnd,
                          facts.zoneOf(period.subscriptionId) ?? timeZone,
                        ),
                    },
                    { head: 'Now', right: true, cell: ({ now: period }) => money(period.total) },
                    { head: 'Then', right: true, cell: ({ then }) => money(then.total) },
                    {
                      head: 'Difference',
                      right: true,
                      cell: ({ difference }) => (isZero(difference) ? '–' : money(difference)),
                    },
                  ]}
                />
                <div className="pager">
                  <span>Page {paging.page}</span>
                  <span className="pager-buttons">
                    <button type="button" className="button" disabled={paging.page === 1} onClick={paging.previous}>
                      Previous
                    </button>
                    <button
                      type="button"
                      className="button"
                      disabled={!whatIf.hasNextPage || whatIf.endCursor === null}
                      onClick={() => {
                        if (whatIf.endCursor !== null) paging.next(whatIf.endCursor);
                      }}
                    >
                      Next
                    </button>
                  </span>
                </div>
              </>
            );
          }}
        </Loaded>
      ) : (
        <Empty title="Choose a first day, and a later one before which it ends" />
      )}
    </Card>
  );
}
