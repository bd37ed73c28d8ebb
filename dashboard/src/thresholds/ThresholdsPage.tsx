import { useState } from 'react';
import type { ThresholdOn, ThresholdsQuery } from '../api/generated';
import { useChange, useRead } from '../api/hooks';
import { METERS, PLANS } from '../catalog/queries';
import { CustomerLink } from '../customers/CustomerLink';
import { useCustomerFacts } from '../customers/facts';
import { ConfirmDialog, FormDialog, stated } from '../forms/FormDialog';
import { formatMoney, formatPercent, formatQuantity } from '../format/decimal';
import { formatDateTime, formatPeriod } from '../format/time';
import { useMay, useTimeZone, useViewer } from '../session/Viewer';
import { Card, PageHead, Rows, type Column } from '../ui/elements';
import { Menu } from '../ui/Menu';
import { Pager, usePaging } from '../ui/paging';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { ARCHIVE_THRESHOLD, CREATE_THRESHOLD, CROSSINGS, THRESHOLDS, UPDATE_THRESHOLD } from './queries';

type Threshold = ThresholdsQuery['thresholds'][number];

const PAGE_SIZE = 20;

/** Refresh interval, in ms. */
const REFRESH = 10_000;

const MEASURES: readonly { value: ThresholdOn; label: string }[] = [
  { value: 'QUANTITY', label: 'the quantity of a meter' },
  { value: 'AMOUNT', label: 'the amount of the period' },
  { value: 'BALANCE', label: 'what is left of prepaid credits' },
  { value: 'INCLUDED_PERCENT', label: 'included units, in percent' },
];

function write(on: ThresholdOn, value: string, currency: string | null): string {
  switch (on) {
    case 'AMOUNT':
    case 'BALANCE':
      return formatMoney(value, currency ?? '');
    case 'INCLUDED_PERCENT':
      return formatPercent(value);
    case 'QUANTITY':
      return formatQuantity(value);
  }
}

function measure({ on, meter, charge }: Threshold): string {
  switch (on) {
    case 'AMOUNT':
      return 'amount of the period';
    case 'BALANCE':
      return 'what is left of prepaid credits';
    case 'INCLUDED_PERCENT':
      return `share of the included units of ${charge ?? ''}`;
    case 'QUANTITY':
      return `quantity of ${meter ?? ''}`;
  }
}

export function ThresholdsPage() {
  const mayChange = useMay('billing');
  const [archived, setArchived] = useState(false);
  const [asking, setAsking] = useState<'create' | { act: 'edit' | 'archive'; threshold: Threshold } | null>(null);
  const close = () => setAsking(null);
  const result = useRead(THRESHOLDS, { archived });
  const update = useChange(UPDATE_THRESHOLD, close);
  const archive = useChange(ARCHIVE_THRESHOLD, close);
  useTitle('Thresholds');
  const columns: Column<Threshold>[] = [
    {
      head: 'Name',
      cell: (one) => (
        <>
          {one.name} <code className="soft">{one.key}</code>
        </>
      ),
    },
    { head: 'Measures', cell: measure },
    {
      head: 'Of',
      cell: (one) =>
        one.customer ? (
          <CustomerLink customer={one.customer} name={undefined} />
        ) : one.plan ? (
          `plan ${one.plan}`
        ) : (
          'every subscription'
        ),
    },
    {
      head: 'Announced at',
      right: true,
      cell: (one) => one.values.map((value) => <div key={value}>{write(one.on, value, one.currency)}</div>),
    },
  ];
  if (mayChange)
    columns.push({
      head: 'Actions',
      actions: true,
      cell: (threshold) =>
        threshold.archivedAt ? null : (
          <Menu
            label={`Actions for ${threshold.name}`}
            actions={[
              { label: 'Edit …', onSelect: () => setAsking({ act: 'edit', threshold }) },
              { label: 'Archive …', onSelect: () => setAsking({ act: 'archive', threshold }), danger: true },
            ]}
          />
        ),
    });
  return (
    <>
      <PageHead title="Thresholds" intro="Announced once in a billing period, in the moment that usage reaches them.">
        {mayChange ? (
          <button type="button" className="button button-primary" onClick={() => setAsking('create')}>
            Create threshold
          </button>
        ) : null}
      </PageHead>
      <Card>
        <label className="check">
          <input type="checkbox" checked={archived} onChange={(event) => setArchived(event.target.checked)} />
          Show archived ones
        </label>
        <Loaded result={result} what="thresholds">
          {({ thresholds }) =>
            thresholds.length === 0 ? (
              <Empty title="No thresholds yet">
                A threshold tells you, by mail and webhook, that a customer reaches a value.
              </Empty>
            ) : (
              <Rows
                label="Thresholds"
                rows={thresholds}
                keyOf={({ key }) => key}
                faded={({ archivedAt }) => archivedAt !== null}
                columns={columns}
              />
            )
          }
        </Loaded>
      </Card>
      <Crossings />
      {asking === 'create' ? <CreateDialog onClose={close} /> : null}
      {asking !== null && asking !== 'create' && asking.act === 'edit' ? (
        <FormDialog
          title={`Edit ${asking.threshold.name}`}
          fields={[
            { name: 'name', label: 'Name', required: true, maxLength: 200 },
            { name: 'values', label: 'Announced at', required: true, hint: 'Up to 10 values, separated by commas.' },
          ]}
          initial={{ name: asking.threshold.name, values: asking.threshold.values.join(', ') }}
          submit="Save"
          mutation={update}
          onSubmit={({ name, values }) =>
            update.mutate({ input: { key: asking.threshold.key, name, values: valuesOf(values) } })
          }
          onClose={close}
        />
      ) : null}
      {asking !== null && asking !== 'create' && asking.act === 'archive' ? (
        <ConfirmDialog
          title={`Archive ${asking.threshold.name}?`}
          submit="Archive"
          mutation={archive}
          onConfirm={() => archive.mutate({ key: asking.threshold.key })}
          onClose={close}
        >
          <p>It announces nothing more. What it announced stays, and its key stays taken.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function valuesOf(text: string): string[] {
  return text.split(/[,\s]+/).filter((value) => value !== '');
}

function CreateDialog({ onClose }: { onClose: () => void }) {
  const { org } = useViewer();
  const meters = useRead(METERS, { archived: false });
  const plans = useRead(PLANS, { archived: false });
  const create = useChange(CREATE_THRESHOLD, onClose);
  if (!meters.data || !plans.data) return null;
  const charges = [
    ...new Set(
      plans.data.plans.flatMap(({ current }) =>
        plans.data.plans.flatMap((plan) =>
          plan.versions
            .filter(({ id }) => id === current?.id)
            .flatMap((version) => version.charges.filter(({ meter }) => meter !== null).map(({ key }) => key)),
        ),
      ),
    ),
  ];
  return (
    <FormDialog
      title="Create a threshold"
      fields={[
        { name: 'name', label: 'Name', maxLength: 200 },
        { name: 'key', label: 'Key', required: true, maxLength: 100 },
        { name: 'on', label: 'Measures', kind: 'select', options: MEASURES },
        {
          name: 'meter',
          label: 'Meter',
          kind: 'select',
          options: meters.data.meters.map(({ key, name }) => ({ value: key, label: name })),
          when: ({ on }) => on === 'QUANTITY',
        },
        {
          name: 'charge',
          label: 'Charge',
          required: true,
          suggestions: charges,
          when: ({ on }) => on === 'INCLUDED_PERCENT',
        },
        {
          name: 'currency',
          label: 'Currency',
          required: true,
          maxLength: 3,
          when: ({ on }) => on === 'AMOUNT' || on === 'BALANCE',
        },
        { name: 'values', label: 'Announced at', required: true, hint: 'Up to 10 values, separated by commas.' },
        {
          name: 'plan',
          label: 'Of subscriptions on',
          kind: 'select',
          options: [
            { value: '', label: 'any plan' },
            ...plans.data.plans.map(({ key, name }) => ({ value: key, label: name })),
          ],
        },
        { name: 'customer', label: 'Of the customer', kind: 'customer', hint: 'All customers, if you leave it out.' },
      ]}
      initial={{
        name: '',
        key: '',
        on: 'QUANTITY',
        meter: meters.data.meters[0]?.key ?? '',
        charge: charges[0] ?? '',
        currency: org.currency,
        values: '',
        plan: '',
        customer: '',
      }}
      submit="Create threshold"
      mutation={create}
      onSubmit={(values) =>
        create.mutate({
          input: {
            key: values.key.trim(),
            name: stated(values.name),
            on: values.on as ThresholdOn,
            values: valuesOf(values.values),
            plan: stated(values.plan),
            customer: stated(values.customer),
            ...(values.on === 'QUANTITY' ? { meter: values.meter } : {}),
            ...(values.on === 'INCLUDED_PERCENT' ? { charge: values.charge } : {}),
            ...(values.on === 'AMOUNT' || values.on === 'BALANCE' ? { currency: values.currency } : {}),
          },
        })
      }
      onClose={onClose}
    />
  );
}

function Crossings() {
  const timeZone = useTimeZone();
  const paging = usePaging('');
  const result = useRead(CROSSINGS, { first: PAGE_SIZE, after: paging.after }, { keepPrevious: true, every: REFRESH });
  const facts = useCustomerFacts(result.data?.thresholdCrossings.nodes.map(({ customer }) => customer) ?? []);
  return (
    <Card title="Reached">
      <Loaded result={result} what="what was reached">
        {({ thresholdCrossings }) =>
          thresholdCrossings.totalCount === 0 ? (
            <Empty title="Nothing was reached yet" />
          ) : (
            <>
              <Rows
                label="Reached thresholds"
                rows={thresholdCrossings.nodes}
                keyOf={({ eventId }) => eventId}
                columns={[
                  { head: 'At', cell: (one) => formatDateTime(one.crossedAt, timeZone) },
                  { head: 'Threshold', cell: (one) => one.threshold.name },
                  {
                    head: 'Customer',
                    cell: (one) => <CustomerLink customer={one.customer} name={facts.nameOf(one.customer)} />,
                  },
                  {
                    head: 'Period',
                    cell: (one) =>
                      formatPeriod(one.periodStart, one.periodEnd, facts.zoneOf(one.subscriptionId) ?? timeZone),
                  },
                  {
                    head: 'Value',
                    right: true,
                    cell: (one) => write(one.threshold.on, one.value, one.threshold.currency),
                  },
                  {
                    head: 'Reached',
                    right: true,
                    cell: (one) => write(one.threshold.on, one.reached, one.threshold.currency),
                  },
                ]}
              />
              <Pager
                paging={paging}
                size={PAGE_SIZE}
                data={thresholdCrossings}
                busy={result.isPlaceholderData}
                what="crossings"
              />
            </>
          )
        }
      </Loaded>
    </Card>
  );
}
