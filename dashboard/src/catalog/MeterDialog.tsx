import { useState } from 'react';
import type { MeterAggregation } from '../api/generated';
import { useChange, useRead } from '../api/hooks';
import { Properties } from '../events/Properties';
import { RECENT_EVENTS } from '../events/queries';
import { readProperties } from '../events/readProperties';
import { FormDialog, stated, type Values } from '../forms/FormDialog';
import { Rows } from '../ui/elements';
import { Empty, Loaded } from '../ui/states';
import { whyNot } from './matches';
import { CREATE_METER, type Meter } from './queries';

const AGGREGATIONS: readonly { value: MeterAggregation; label: string }[] = [
  { value: 'COUNT', label: 'Count of events' },
  { value: 'SUM', label: 'Sum of a property' },
  { value: 'MAX', label: 'Maximum of a property' },
  { value: 'MIN', label: 'Minimum of a property' },
  { value: 'AVERAGE', label: 'Average of a property' },
  { value: 'UNIQUE_COUNT', label: 'Different values of a property' },
  { value: 'LATEST', label: 'Last value of a property' },
  { value: 'WEIGHTED_SUM', label: 'Level that a property changes, averaged over time' },
];

/** Events that a new meter is tried against. */
const TRIED = 50;

type Name =
  | 'key'
  | 'name'
  | 'eventType'
  | 'aggregation'
  | 'property'
  | 'filters'
  | 'dimensions'
  | 'percent'
  | 'fixed'
  | 'minimum'
  | 'maximum';

/** A meter never changes, so another one is made like it. */
export function MeterDialog({ like, onClose }: { like: Meter | null; onClose: () => void }) {
  const create = useChange(CREATE_METER, onClose);
  const recent = useRead(RECENT_EVENTS, { limit: TRIED });
  const events = recent.data?.recentEvents ?? [];
  const types = [...new Set(events.map(({ type }) => type))];
  const names = [
    ...new Set(events.flatMap(({ properties }) => (readProperties(properties) ?? []).map(({ name }) => name))),
  ];
  const needsProperty = ({ aggregation }: Values<Name>) => aggregation !== 'COUNT';
  const sums = ({ aggregation }: Values<Name>) => aggregation === 'SUM';
  return (
    <FormDialog<Name>
      title={like ? `A meter like ${like.name}` : 'Create a meter'}
      wide
      fields={[
        { name: 'name', label: 'Name', maxLength: 200, hint: 'Shown on invoices. The key, if you leave it out.' },
        { name: 'key', label: 'Key', required: true, maxLength: 100, hint: 'For the API. It never changes.' },
        { name: 'eventType', label: 'Type of the events', required: true, suggestions: types },
        { name: 'aggregation', label: 'Quantity', kind: 'select', options: AGGREGATIONS },
        { name: 'property', label: 'Property', required: true, suggestions: names, when: needsProperty },
        {
          name: 'filters',
          label: 'Only events with',
          kind: 'textarea',
          hint: 'One condition a line, such as region = eu. All must hold.',
        },
        {
          name: 'dimensions',
          label: 'Dimensions',
          hint: 'Up to two properties, separated by a comma, for prices and reports by their values.',
        },
        {
          name: 'percent',
          label: 'Fee of each event, in percent of the property',
          kind: 'decimal',
          path: 'eventFee',
          hint: 'Leave it out to add up the property itself.',
          when: sums,
        },
        {
          name: 'fixed',
          label: 'Plus',
          kind: 'decimal',
          path: 'eventFee.fixed',
          when: (v) => sums(v) && v.percent !== '',
        },
        {
          name: 'minimum',
          label: 'At least',
          kind: 'decimal',
          path: 'eventFee.minimum',
          when: (v) => sums(v) && v.percent !== '',
        },
        {
          name: 'maximum',
          label: 'At most',
          kind: 'decimal',
          path: 'eventFee.maximum',
          when: (v) => sums(v) && v.percent !== '',
        },
      ]}
      initial={{
        key: '',
        name: '',
        eventType: like?.eventType ?? '',
        aggregation: like?.aggregation ?? 'COUNT',
        property: like?.property ?? '',
        filters: like?.filters.map(({ property, equals }) => `${property} = ${equals}`).join('\n') ?? '',
        dimensions: like?.dimensions.join(', ') ?? '',
        percent: like?.eventFee?.percent ?? '',
        fixed: like?.eventFee?.fixed ?? '',
        minimum: like?.eventFee?.minimum ?? '',
        maximum: like?.eventFee?.maximum ?? '',
      }}
      submit="Create meter"
      mutation={create}
      onSubmit={(values) =>
        create.mutate({
          input: {
            key: values.key.trim(),
            name: stated(values.name),
            eventType: values.eventType.trim(),
            aggregation: values.aggregation as MeterAggregation,
            property: values.aggregation === 'COUNT' ? null : stated(values.property),
            filters: filtersOf(values.filters),
            dimensions: values.dimensions.split(',').flatMap((one) => stated(one) ?? []),
            eventFee:
              values.aggregation === 'SUM' && values.percent !== ''
                ? {
                    percent: values.percent,
                    fixed: stated(values.fixed),
                    minimum: stated(values.minimum),
                    maximum: stated(values.maximum),
                  }
                : null,
          },
        })
      }
      onClose={onClose}
    >
      {(values) => (
        <Loaded result={recent} what="recent events">
          {({ recentEvents }) => (
            <Trial
              rule={{
                eventType: values.eventType.trim(),
                aggregation: values.aggregation,
                property: stated(values.property),
                filters: filtersOf(values.filters),
              }}
              events={recentEvents}
            />
          )}
        </Loaded>
      )}
    </FormDialog>
  );
}

export function filtersOf(text: string): { property: string; equals: string }[] {
  return text.split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    const property = (at < 0 ? line : line.slice(0, at)).trim();
    return property === '' ? [] : [{ property, equals: at < 0 ? '' : line.slice(at + 1).trim() }];
  });
}

type TrialEvent = { idempotencyKey: string; type: string; properties: string };

/** What of the newest events would count. */
function Trial({ rule, events }: { rule: Parameters<typeof whyNot>[0]; events: readonly TrialEvent[] }) {
  const [all, setAll] = useState(false);
  if (events.length === 0)
    return <Empty title="No events to try it against">It will count whatever arrives, and what arrived before.</Empty>;
  const tried = events.map((event) => ({ event, why: whyNot(rule, event) }));
  const counted = tried.filter(({ why }) => why === null).length;
  return (
    <section className="trial" aria-live="polite">
      <p>
        <strong>
          {counted} of the {events.length} newest events would count.
        </strong>{' '}
        <button type="button" className="button button-small" onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? 'Hide them' : 'Show them'}
        </button>
      </p>
      {all ? (
        <Rows
          label="Recent events and whether they would count"
          rows={tried}
          keyOf={({ event }) => event.idempotencyKey}
          faded={({ why }) => why !== null}
          columns={[
            { head: 'Type', cell: ({ event }) => <code>{event.type}</code> },
            { head: 'Properties', cell: ({ event }) => <Properties json={event.properties} /> },
            { head: 'Counts', cell: ({ why }) => (why === null ? 'yes' : `no: ${why}`) },
          ]}
        />
      ) : null}
    </section>
  );
}
