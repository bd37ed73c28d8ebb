import { useState } from 'react';
import { Link } from 'react-router';
import type { BillingAnchor, SubscriptionInterval } from '../api/generated';
import { useChange, useRead } from '../api/hooks';
import { PLANS } from '../catalog/queries';
import { ConfirmDialog, FormDialog, stated, statedCount, statedInstant, type Values } from '../forms/FormDialog';
import { formatMoney } from '../format/decimal';
import { calendarDay, formatDateTime, toLocalField } from '../format/time';
import { COUPONS } from '../thresholds/queries';
import { useMay, useTimeZone } from '../session/Viewer';
import { useOrgNow } from '../ui/clock';
import { Card, Rows, StatusBadge } from '../ui/elements';
import { Menu } from '../ui/Menu';
import { Pager, usePaging } from '../ui/paging';
import { Empty, Loaded } from '../ui/states';
import {
  APPLY_COUPON,
  CANCEL_PLAN_CHANGE,
  CHANGE_PLAN,
  CREATE_ONE_OFF,
  CREATE_SUBSCRIPTIONS,
  END_SUBSCRIPTION,
  EXTRAS,
  PAUSE_SUBSCRIPTION,
  RESUME_SUBSCRIPTION,
  SUBSCRIPTIONS,
  UNDO_END_SUBSCRIPTION,
  type Subscription,
} from './queries';

const PAGE_SIZE = 10;

type Action = 'change' | 'cancel-change' | 'pause' | 'resume' | 'end' | 'undo-end' | 'coupon' | 'one-off';

export function SubscriptionsCard({ customer, archived }: { customer: string; archived: boolean }) {
  const mayChange = useMay('billing');
  const paging = usePaging(customer);
  const [creating, setCreating] = useState(false);
  const [acting, setActing] = useState<{ subscription: Subscription; action: Action } | null>(null);
  const result = useRead(SUBSCRIPTIONS, { customer, first: PAGE_SIZE, after: paging.after }, { keepPrevious: true });
  return (
    <Card
      title="Subscriptions"
      actions={
        mayChange && !archived ? (
          <button type="button" className="button button-small" onClick={() => setCreating(true)}>
            Subscribe to a plan
          </button>
        ) : null
      }
    >
      <Loaded result={result} what="subscriptions">
        {({ subscriptions }) =>
          subscriptions.totalCount === 0 ? (
            <Empty title="No subscriptions">A customer without a subscription gets no invoices.</Empty>
          ) : (
            <>
              <Rows
                label="Subscriptions"
                rows={subscriptions.nodes}
                keyOf={({ id }) => id}
                columns={[
                  {
                    head: 'Plan',
                    cell: (one) => (
                      <>
                        <Link to={`/plans#${encodeURIComponent(one.planKey)}`}>{one.planKey}</Link>
                        <Scheduled subscription={one} />
                      </>
                    ),
                  },
                  { head: 'Status', cell: (one) => <StatusBadge status={one.status} /> },
                  {
                    head: 'Start',
                    cell: (one) => (
                      <>
                        {formatDateTime(one.start, one.timeZone)}
                        {one.trialEnd ? (
                          <div className="soft">trial until {formatDateTime(one.trialEnd, one.timeZone)}</div>
                        ) : null}
                      </>
                    ),
                  },
                  { head: 'End', cell: (one) => (one.end ? formatDateTime(one.end, one.timeZone) : 'open') },
                  {
                    head: 'Billed on',
                    cell: (one) => (
                      <>
                        {billedOn(one)}
                        <div className="soft">in {one.timeZone}</div>
                      </>
                    ),
                  },
                  { head: 'Extras', cell: (one) => <Extras subscription={one} /> },
                  ...(mayChange
                    ? [
                        {
                          head: 'Actions',
                          actions: true,
                          cell: (one: Subscription) => (
                            <Menu
                              label={`Actions for the subscription to ${one.planKey}`}
                              actions={actionsOf(one).map(({ action, label, danger }) => ({
                                label,
                                onSelect: () => setActing({ subscription: one, action }),
                                danger: danger ?? false,
                              }))}
                            />
                          ),
                        },
                      ]
                    : []),
                ]}
              />
              {subscriptions.nodes
                .flatMap(({ warnings }) => warnings)
                .map(({ message }) => (
                  <p className="banner" key={message}>
                    {message}
                  </p>
                ))}
              {subscriptions.totalCount > PAGE_SIZE ? (
                <Pager
                  paging={paging}
                  size={PAGE_SIZE}
                  data={subscriptions}
                  busy={result.isPlaceholderData}
                  what="subscriptions"
                />
              ) : null}
            </>
          )
        }
      </Loaded>
      {creating ? <SubscribeDialog customer={customer} onClose={() => setCreating(false)} /> : null}
      {acting ? <ActionDialog {...acting} onClose={() => setActing(null)} /> : null}
    </Card>
  );
}

function actionsOf(one: Subscription): { action: Action; label: string; danger?: boolean }[] {
  const { status } = one;
  if (status === 'CANCELED' || status === 'ENDED') return [{ action: 'undo-end', label: 'Take the end back …' }];
  const scheduled = one.versions.length > 1;
  return [
    ...(status === 'PAUSED' ? [] : [{ action: 'change', label: 'Change the plan …' } as const]),
    ...(scheduled ? [{ action: 'cancel-change', label: 'Take the scheduled change back …' } as const] : []),
    ...(status === 'PAUSED'
      ? [{ action: 'resume', label: 'Resume …' } as const]
      : [{ action: 'pause', label: 'Pause …' } as const]),
    { action: 'coupon', label: 'Apply a coupon …' },
    { action: 'one-off', label: 'One-off charge or credit …' },
    one.end === null
      ? { action: 'end', label: 'End …', danger: true }
      : { action: 'undo-end', label: 'Take the end back …' },
  ];
}

function billedOn({ interval, anchorDay, anchorMonth }: Subscription): string {
  const weekday = (day: number) =>
    ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'][day - 1] ?? `day ${day}`;
  switch (interval) {
    case 'WEEK':
      return `${weekday(anchorDay)} of the week`;
    case 'MONTH':
      return `day ${anchorDay} of the month`;
    case 'QUARTER':
      return `day ${anchorDay} of every third month`;
    case 'YEAR':
      return `day ${anchorDay} of month ${anchorMonth ?? 1}`;
  }
}

/** Another version or a pause that begins later. */
function Scheduled({ subscription }: { subscription: Subscription }) {
  const now = useOrgNow();
  if (now === null) return null;
  return subscription.versions
    .filter(({ from }) => Date.parse(from) > now)
    .map(({ from, paused, planKey }) => (
      <div className="soft" key={from}>
        {paused ? 'paused' : planKey} from {formatDateTime(from, subscription.timeZone)}
      </div>
    ));
}

function Extras({ subscription }: { subscription: Subscription }) {
  const { data } = useRead(EXTRAS, { subscriptionId: subscription.id });
  const plans = useRead(PLANS, { archived: true });
  const currency = plans.data?.plans.find(({ key }) => key === subscription.planKey)?.currency;
  if (!data) return null;
  if (data.appliedCoupons.length + data.oneOffCharges.length === 0) return <span className="soft">–</span>;
  return (
    <>
      {data.appliedCoupons.map(({ coupon }) => (
        <div key={coupon}>coupon {coupon}</div>
      ))}
      {data.oneOffCharges.map(({ key, name, amount, at }) => (
        <div key={key}>
          {name}: {currency ? formatMoney(amount, currency) : amount}{' '}
          <span className="soft">{formatDateTime(at, subscription.timeZone)}</span>
        </div>
      ))}
    </>
  );
}

const INTERVALS: readonly { value: SubscriptionInterval; label: string }[] = [
  { value: 'MONTH', label: 'every month' },
  { value: 'WEEK', label: 'every week' },
  { value: 'QUARTER', label: 'every quarter' },
  { value: 'YEAR', label: 'every year' },
];

type SubscribeName = 'plan' | 'start' | 'timeZone' | 'interval' | 'anchor' | 'trialDays' | 'end' | 'confirmBackdate';

function SubscribeDialog({ customer, onClose }: { customer: string; onClose: () => void }) {
  const orgZone = useTimeZone();
  const now = useOrgNow();
  const plans = useRead(PLANS, { archived: false });
  const create = useChange(CREATE_SUBSCRIPTIONS, onClose);
  const published = plans.data?.plans.filter(({ current }) => current !== null) ?? [];
  if (!plans.data || now === null) return null;
  return (
    <FormDialog<SubscribeName>
      title="Subscribe to a plan"
      intro={
        published.length === 0 ? (
          <p>
            There is no published plan yet: <Link to="/plans">create one</Link> first.
          </p>
        ) : null
      }
      fields={[
        {
          name: 'plan',
          label: 'Plan',
          kind: 'select',
          options: published.map(({ key, name, currency }) => ({ value: key, label: `${name} (${currency})` })),
        },
        {
          name: 'start',
          label: 'Start',
          kind: 'datetime',
          required: true,
          hint: 'A start in the past makes the ended periods’ invoices at once.',
        },
        { name: 'timeZone', label: 'Time zone', required: true, suggestions: Intl.supportedValuesOf('timeZone') },
        { name: 'interval', label: 'Billed', kind: 'select', options: INTERVALS },
        {
          name: 'anchor',
          label: 'Periods begin',
          kind: 'select',
          options: [
            { value: 'ANNIVERSARY', label: 'on the day of the start' },
            { value: 'CALENDAR', label: 'with the calendar' },
          ],
        },
        { name: 'trialDays', label: 'Days of trial', kind: 'integer' },
        { name: 'end', label: 'End', kind: 'datetime', hint: 'Open, if you leave it out.' },
        {
          name: 'confirmBackdate',
          label: 'The start is meant to be more than a year ago',
          kind: 'check',
          when: ({ start }) => start !== '' && start < `${calendarDay(now - 365 * 86_400_000, orgZone)}T00:00`,
        },
      ]}
      initial={{
        plan: published[0]?.key ?? '',
        start: `${calendarDay(now, orgZone)}T00:00`,
        timeZone: orgZone,
        interval: 'MONTH',
        anchor: 'ANNIVERSARY',
        trialDays: '',
        end: '',
        confirmBackdate: '',
      }}
      submit="Subscribe"
      mutation={create}
      onSubmit={(values) =>
        create.mutate({
          input: [
            {
              customer,
              plan: values.plan,
              start: statedInstant(values.start, values.timeZone) ?? '',
              end: statedInstant(values.end, values.timeZone),
              timeZone: values.timeZone,
              interval: values.interval as SubscriptionInterval,
              anchor: values.anchor as BillingAnchor,
              trialDays: statedCount(values.trialDays),
              ...(values.confirmBackdate ? { confirmBackdate: true } : {}),
            },
          ],
        })
      }
      onClose={onClose}
    />
  );
}

type WhenName = 'when' | 'at';

/** The fields for "when", and what they state. */
function whenFields(timeZone: string) {
  return [
    {
      name: 'when',
      label: 'When',
      kind: 'select',
      options: [
        { value: 'now', label: 'now' },
        { value: 'end', label: 'at the end of the period' },
        { value: 'at', label: 'at a time' },
      ],
    },
    {
      name: 'at',
      label: 'Time',
      kind: 'datetime',
      required: true,
      hint: `A quarter of an hour, on the clock of ${timeZone}.`,
      when: ({ when }: Values<WhenName>) => when === 'at',
    },
  ] as const;
}

function whenInput({ when, at }: Values<WhenName>, timeZone: string): { at?: string | null; atPeriodEnd?: boolean } {
  if (when === 'end') return { atPeriodEnd: true };
  return when === 'at' ? { at: statedInstant(at, timeZone) } : {};
}

function ActionDialog({
  subscription,
  action,
  onClose,
}: {
  subscription: Subscription;
  action: Action;
  onClose: () => void;
}) {
  const { id: subscriptionId, timeZone, planKey } = subscription;
  const now = useOrgNow();
  const plans = useRead(PLANS, { archived: false });
  const coupons = useRead(COUPONS, { first: 100, after: null }, { enabled: action === 'coupon' });
  const change = useChange(CHANGE_PLAN, onClose);
  const cancelChange = useChange(CANCEL_PLAN_CHANGE, onClose);
  const pause = useChange(PAUSE_SUBSCRIPTION, onClose);
  const resume = useChange(RESUME_SUBSCRIPTION, onClose);
  const end = useChange(END_SUBSCRIPTION, onClose);
  const undoEnd = useChange(UNDO_END_SUBSCRIPTION, onClose);
  const coupon = useChange(APPLY_COUPON, onClose);
  const oneOff = useChange(CREATE_ONE_OFF, onClose);
  const at = now === null ? '' : toLocalField(now, timeZone);
  const initial = { when: 'now', at };
  const currency = plans.data?.plans.find(({ key }) => key === planKey)?.currency;
  switch (action) {
    case 'change': {
      const options = (plans.data?.plans ?? [])
        .filter((plan) => plan.currency === currency)
        .flatMap((plan) =>
          plan.versions
            .filter(({ status, id }) => status === 'PUBLISHED' && id !== subscription.planVersionId)
            .map(({ id, number }) => ({
              value: id,
              label: `${plan.name}, version ${number}${id === plan.current?.id ? ' (current)' : ''}`,
            })),
        );
      if (!plans.data) return null;
      return (
        <FormDialog<WhenName | 'planVersionId'>
          title="Change the plan"
          intro={
            options.length === 0 ? (
              <p>There is no other published version in {currency ?? 'its currency'}.</p>
            ) : (
              <p>What is the same in both versions is not split; the rest is charged by the terms of each part.</p>
            )
          }
          fields={[{ name: 'planVersionId', label: 'To', kind: 'select', options }, ...whenFields(timeZone)]}
          initial={{ planVersionId: options[0]?.value ?? '', ...initial }}
          submit="Change"
          mutation={change}
          onSubmit={(values) =>
            change.mutate({
              input: { subscriptionId, planVersionId: values.planVersionId, ...whenInput(values, timeZone) },
            })
          }
          onClose={onClose}
        />
      );
    }
    case 'cancel-change':
      return (
        <ConfirmDialog
          title="Take the scheduled change back?"
          submit="Take it back"
          mutation={cancelChange}
          onConfirm={() => cancelChange.mutate({ subscriptionId })}
          onClose={onClose}
        >
          <p>The subscription stays as it is now.</p>
        </ConfirmDialog>
      );
    case 'pause':
      return (
        <FormDialog<WhenName>
          title="Pause the subscription"
          intro={<p>While it is paused, usage is counted and not billed, and there are no fees.</p>}
          fields={whenFields(timeZone)}
          initial={initial}
          submit="Pause"
          mutation={pause}
          onSubmit={(values) => pause.mutate({ input: { subscriptionId, ...whenInput(values, timeZone) } })}
          onClose={onClose}
        />
      );
    case 'resume':
      return (
        <FormDialog<WhenName>
          title="Resume the subscription"
          fields={whenFields(timeZone)}
          initial={initial}
          submit="Resume"
          mutation={resume}
          onSubmit={(values) => resume.mutate({ input: { subscriptionId, ...whenInput(values, timeZone) } })}
          onClose={onClose}
        />
      );
    case 'end':
      return (
        <FormDialog<WhenName | 'credit'>
          title="End the subscription"
          intro={
            <p>Before billing starts this cancels it, and nothing is invoiced. Later, the last period is shorter.</p>
          }
          fields={[
            ...whenFields(timeZone),
            { name: 'credit', label: 'Credit fees in advance of the time after the end', kind: 'check' },
          ]}
          initial={{ ...initial, when: 'end', credit: 'yes' }}
          submit="End it"
          danger
          mutation={end}
          onSubmit={(values) =>
            end.mutate({ input: { subscriptionId, credit: values.credit === 'yes', ...whenInput(values, timeZone) } })
          }
          onClose={onClose}
        />
      );
    case 'undo-end':
      return (
        <ConfirmDialog
          title="Take the end back?"
          submit="Go on"
          mutation={undoEnd}
          onConfirm={() => undoEnd.mutate({ subscriptionId })}
          onClose={onClose}
        >
          <p>The subscription goes on, unless its last period is invoiced already.</p>
        </ConfirmDialog>
      );
    case 'coupon':
      if (!coupons.data) return null;
      return (
        <FormDialog
          title="Apply a coupon"
          intro={
            coupons.data.coupons.nodes.length === 0 ? (
              <p>
                There are none yet: <Link to="/coupons">create one</Link> first.
              </p>
            ) : null
          }
          fields={[
            {
              name: 'coupon',
              label: 'Coupon',
              kind: 'select',
              options: coupons.data.coupons.nodes.map(({ key, name }) => ({ value: key, label: name })),
            },
            {
              name: 'at',
              label: 'From the period that contains',
              kind: 'datetime',
              hint: `On the clock of ${timeZone}. Now, if you leave it out.`,
            },
          ]}
          initial={{ coupon: coupons.data.coupons.nodes[0]?.key ?? '', at: '' }}
          submit="Apply"
          mutation={coupon}
          onSubmit={(values) =>
            coupon.mutate({ input: { subscriptionId, coupon: values.coupon, at: statedInstant(values.at, timeZone) } })
          }
          onClose={onClose}
        />
      );
    case 'one-off':
      return (
        <FormDialog
          title="One-off charge or credit"
          intro={<p>On the invoice of the period that contains its time. A negative amount is a credit.</p>}
          fields={[
            { name: 'name', label: 'Name', required: true, maxLength: 200, hint: 'On the invoice.' },
            { name: 'key', label: 'Key', required: true, maxLength: 100, hint: 'Sent twice, it is charged once.' },
            { name: 'amount', label: `Amount${currency ? ` in ${currency}` : ''}`, kind: 'decimal', required: true },
            {
              name: 'at',
              label: 'Time',
              kind: 'datetime',
              hint: `On the clock of ${timeZone}. Now, if you leave it out.`,
            },
          ]}
          initial={{ name: '', key: '', amount: '', at: '' }}
          submit="Charge"
          mutation={oneOff}
          onSubmit={(values) =>
            oneOff.mutate({
              input: {
                subscriptionId,
                key: values.key.trim(),
                name: stated(values.name),
                amount: values.amount.trim(),
                at: statedInstant(values.at, timeZone),
              },
            })
          }
          onClose={onClose}
        />
      );
  }
}
