import { useState } from 'react';
import { Link } from 'react-router';
import { useChange, useRead } from '../api/hooks';
import { FormDialog, stated, statedCount } from '../forms/FormDialog';
import { formatMoney, formatPercent } from '../format/decimal';
import { formatDate } from '../format/time';
import { useMay, useTimeZone, useViewer } from '../session/Viewer';
import { Card, PageHead, Rows } from '../ui/elements';
import { Pager, usePaging } from '../ui/paging';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { COUPONS, CREATE_COUPON } from './queries';

const PAGE_SIZE = 25;

export function CouponsPage() {
  const timeZone = useTimeZone();
  const mayChange = useMay('billing');
  const { org } = useViewer();
  const paging = usePaging('');
  const [creating, setCreating] = useState(false);
  const result = useRead(COUPONS, { first: PAGE_SIZE, after: paging.after }, { keepPrevious: true });
  const create = useChange(CREATE_COUPON, () => setCreating(false));
  useTitle('Coupons');
  return (
    <>
      <PageHead
        title="Coupons"
        intro="Discounts of an invoice, applied to a subscription for some of its periods. A coupon never changes."
      >
        {mayChange ? (
          <button type="button" className="button button-primary" onClick={() => setCreating(true)}>
            Create coupon
          </button>
        ) : null}
      </PageHead>
      <Card>
        <Loaded result={result} what="coupons">
          {({ coupons }) =>
            coupons.totalCount === 0 ? (
              <Empty title="No coupons yet">
                Create one, then apply it to a subscription on its <Link to="/customers">customer’s</Link> page.
              </Empty>
            ) : (
              <>
                <Rows
                  label="Coupons"
                  rows={coupons.nodes}
                  keyOf={({ key }) => key}
                  columns={[
                    {
                      head: 'Name',
                      cell: (one) => (
                        <>
                          {one.name} <code className="soft">{one.key}</code>
                        </>
                      ),
                    },
                    {
                      head: 'Takes off',
                      right: true,
                      cell: (one) =>
                        one.percent === null
                          ? formatMoney(one.amount ?? '0', one.currency ?? '')
                          : formatPercent(one.percent),
                    },
                    {
                      head: 'For',
                      cell: (one) =>
                        one.periods === null
                          ? 'all periods'
                          : one.periods === 1
                            ? 'one period'
                            : `${one.periods} periods`,
                    },
                    { head: 'Created', cell: (one) => formatDate(one.createdAt, timeZone) },
                  ]}
                />
                <Pager paging={paging} size={PAGE_SIZE} data={coupons} busy={result.isPlaceholderData} what="coupons" />
              </>
            )
          }
        </Loaded>
      </Card>
      {creating ? (
        <FormDialog
          title="Create a coupon"
          fields={[
            { name: 'name', label: 'Name', maxLength: 200, hint: 'On the invoice.' },
            { name: 'key', label: 'Key', required: true, maxLength: 100 },
            {
              name: 'kind',
              label: 'Takes off',
              kind: 'select',
              options: [
                { value: 'percent', label: 'a percentage' },
                { value: 'amount', label: 'an amount' },
              ],
            },
            {
              name: 'percent',
              label: 'Percent',
              kind: 'decimal',
              required: true,
              when: ({ kind }) => kind === 'percent',
            },
            { name: 'amount', label: 'Amount', kind: 'decimal', required: true, when: ({ kind }) => kind === 'amount' },
            {
              name: 'currency',
              label: 'Currency',
              required: true,
              maxLength: 3,
              when: ({ kind }) => kind === 'amount',
            },
            { name: 'periods', label: 'Periods', kind: 'integer', hint: 'All, if you leave it out.' },
          ]}
          initial={{ name: '', key: '', kind: 'percent', percent: '', amount: '', currency: org.currency, periods: '' }}
          submit="Create coupon"
          mutation={create}
          onSubmit={(values) =>
            create.mutate({
              input: {
                key: values.key.trim(),
                name: stated(values.name),
                periods: statedCount(values.periods),
                ...(values.kind === 'percent'
                  ? { percent: values.percent.trim() }
                  : { amount: values.amount.trim(), currency: values.currency.trim() }),
              },
            })
          }
          onClose={() => setCreating(false)}
        />
      ) : null}
    </>
  );
}
