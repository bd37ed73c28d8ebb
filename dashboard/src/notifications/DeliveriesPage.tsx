import { useState } from 'react';
import { useSearchParams } from 'react-router';
import type { DeliveryChannel, DeliveryStatus } from '../api/generated';
import { useChange, useRead } from '../api/hooks';
import { formatCount } from '../format/decimal';
import { formatDateTimeSeconds } from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { Card, PageHead, Rows } from '../ui/elements';
import { Menu } from '../ui/Menu';
import { NextPages, usePaging } from '../ui/paging';
import { Empty, ErrorNote, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { DeliveryDialog, OUTCOMES } from './DeliveryDialog';
import { DELIVERIES, RESEND_DELIVERY, WEBHOOK_ENDPOINTS } from './queries';

const PAGE_SIZE = 50;

/** Refresh interval, in ms. */
const REFRESH = 5_000;

const STATUSES: readonly { value: DeliveryStatus; label: string }[] = [
  { value: 'WAITING', label: 'Waiting' },
  { value: 'DELIVERED', label: 'Delivered' },
  { value: 'FAILED', label: 'Given up' },
];

const CHANNELS: readonly { value: DeliveryChannel; label: string }[] = [
  { value: 'WEBHOOK', label: 'Webhooks' },
  { value: 'EMAIL', label: 'E-mails' },
];

/** What was sent and what is to be, with every try. */
export function DeliveriesPage() {
  const timeZone = useTimeZone();
  const isAdmin = useMay('admin');
  const [params, setParams] = useSearchParams();
  const [opened, setOpened] = useState<string | null>(null);
  const endpoints = useRead(WEBHOOK_ENDPOINTS, { archived: true });
  const filters = {
    endpointId: params.get('endpoint'),
    eventType: params.get('type'),
    status: STATUSES.find(({ value }) => value === params.get('status'))?.value ?? null,
    channel: CHANNELS.find(({ value }) => value === params.get('channel'))?.value ?? null,
  };
  const paging = usePaging(JSON.stringify(filters));
  const result = useRead(
    DELIVERIES,
    { ...filters, first: PAGE_SIZE, after: paging.after },
    { keepPrevious: true, every: REFRESH },
  );
  const resend = useChange(RESEND_DELIVERY);
  useTitle('Deliveries');
  const urls = new Map(endpoints.data?.webhookEndpoints.map(({ id, url }) => [id, url]));
  const choose = (name: string) => (event: { target: { value: string } }) =>
    setParams((old) => {
      const next = new URLSearchParams(old);
      if (event.target.value === '') next.delete(name);
      else next.set(name, event.target.value);
      return next;
    });
  const filtered = Object.values(filters).some((value) => value !== null);
  return (
    <>
      <PageHead title="Deliveries" intro="Webhooks and mails of the last 30 days, newest first, with every try." />
      <Card>
        <form className="filters" role="search" onSubmit={(event) => event.preventDefault()}>
          <Choice
            id="endpoint"
            label="Endpoint"
            value={filters.endpointId}
            options={[...urls].map(([value, label]) => ({ value, label }))}
            onChange={choose('endpoint')}
          />
          <Choice
            id="type"
            label="Event"
            value={filters.eventType}
            options={(endpoints.data?.eventTypes ?? []).map(({ name }) => ({ value: name, label: name }))}
            onChange={choose('type')}
          />
          <Choice id="status" label="State" value={filters.status} options={STATUSES} onChange={choose('status')} />
          <Choice
            id="channel"
            label="Sent as"
            value={filters.channel}
            options={CHANNELS}
            onChange={choose('channel')}
          />
        </form>
        {resend.error ? <ErrorNote error={resend.error} /> : null}
        <Loaded result={result} what="deliveries">
          {({ deliveries }) =>
            deliveries.nodes.length === 0 ? (
              <Empty title={filtered ? 'No such delivery' : 'Nothing was sent yet'}>
                {filtered ? 'Choose other filters.' : 'Events are sent to webhook endpoints and e-mail addresses.'}
              </Empty>
            ) : (
              <>
                <Rows
                  label="Deliveries"
                  rows={deliveries.nodes}
                  keyOf={({ id }) => id}
                  columns={[
                    { head: 'Happened', cell: (one) => formatDateTimeSeconds(one.createdAt, timeZone) },
                    {
                      head: 'Event',
                      cell: (one) => (
                        <button type="button" className="link" onClick={() => setOpened(one.id)}>
                          {one.eventType}
                        </button>
                      ),
                    },
                    {
                      head: 'To',
                      cell: (one) => (
                        <span className="breakable">
                          {one.channel === 'WEBHOOK'
                            ? (urls.get(one.endpointId ?? '') ?? one.endpointId)
                            : one.recipient === 'customer'
                              ? 'the customer'
                              : one.recipient}
                        </span>
                      ),
                    },
                    {
                      head: 'State',
                      cell: (one) => (
                        <>
                          <span className={OUTCOMES[one.status].look}>{OUTCOMES[one.status].text}</span>
                          {one.nextAttemptAt && one.attemptCount > 0 ? (
                            <div className="soft">again {formatDateTimeSeconds(one.nextAttemptAt, timeZone)}</div>
                          ) : null}
                        </>
                      ),
                    },
                    { head: 'Tries', right: true, cell: (one) => formatCount(one.attemptCount) },
                    {
                      head: 'Actions',
                      actions: true,
                      cell: (one) => (
                        <Menu
                          label={`Actions for ${one.eventType} of ${formatDateTimeSeconds(one.createdAt, timeZone)}`}
                          actions={[
                            { label: 'Show the tries', onSelect: () => setOpened(one.id) },
                            isAdmin && { label: 'Resend', onSelect: () => resend.mutate({ id: one.id }) },
                          ]}
                        />
                      ),
                    },
                  ]}
                />
                <NextPages paging={paging} page={deliveries} what="deliveries" />
              </>
            )
          }
        </Loaded>
      </Card>
      {opened === null ? null : <DeliveryDialog id={opened} onClose={() => setOpened(null)} />}
    </>
  );
}

function Choice({
  id,
  label,
  value,
  options,
  onChange,
}: {
  id: string;
  label: string;
  value: string | null;
  options: readonly { value: string; label: string }[];
  onChange: (event: { target: { value: string } }) => void;
}) {
  return (
    <div className="field">
      <label htmlFor={`deliveries-${id}`}>{label}</label>
      <select id={`deliveries-${id}`} value={value ?? ''} onChange={onChange}>
        <option value="">All</option>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}
