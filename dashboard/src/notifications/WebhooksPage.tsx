import { useState } from 'react';
import { Link } from 'react-router';
import { useChange, useRead } from '../api/hooks';
import { ConfirmDialog, FormDialog, stated, type FieldSpec } from '../forms/FormDialog';
import { formatDateTime } from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { Card, Dialog, PageHead, Rows, SecretOnce, type Column } from '../ui/elements';
import { Menu } from '../ui/Menu';
import { Empty, ErrorNote, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { AttemptTable, OUTCOMES, useDelivery } from './DeliveryDialog';
import { ResendDialog } from './ResendDialog';
import {
  ARCHIVE_ENDPOINT,
  CREATE_ENDPOINT,
  DISABLE_ENDPOINT,
  ENABLE_ENDPOINT,
  ROTATE_SECRET,
  TEST_ENDPOINT,
  UPDATE_ENDPOINT,
  WEBHOOK_ENDPOINTS,
  type WebhookEndpoint,
} from './queries';

type Asked =
  { act: 'create' } | { act: 'edit' | 'rotate' | 'disable' | 'archive' | 'test' | 'resend'; endpoint: WebhookEndpoint };

const STATES = {
  ENABLED: { text: 'Enabled', look: 'badge badge-active' },
  DISABLED: { text: 'Disabled', look: 'badge badge-failed' },
  ARCHIVED: { text: 'Deleted', look: 'badge' },
} as const;

const REASONS: Readonly<Record<string, string>> = {
  by_user: 'by a member',
  gone: 'it answered 410 Gone',
  failing: 'nothing could be delivered for three days',
};

/** Where the org's events are posted to. */
export function WebhooksPage() {
  const isAdmin = useMay('admin');
  const timeZone = useTimeZone();
  const [archived, setArchived] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const close = () => setAsked(null);
  const result = useRead(WEBHOOK_ENDPOINTS, { archived });
  const enable = useChange(ENABLE_ENDPOINT);
  const disable = useChange(DISABLE_ENDPOINT, close);
  const archive = useChange(ARCHIVE_ENDPOINT, close);
  useTitle('Webhooks');
  const columns: Column<WebhookEndpoint>[] = [
    {
      head: 'Endpoint',
      cell: (one) => (
        <>
          <span className="breakable">{one.url}</span>
          {one.description ? <div className="soft">{one.description}</div> : null}
        </>
      ),
    },
    {
      head: 'Events',
      cell: (one) => (
        <>
          {one.eventTypes.length === 0
            ? 'all, also those to come'
            : one.eventTypes.map((type) => (
                <div key={type}>
                  <code>{type}</code>
                </div>
              ))}
          {one.inOrder ? <div className="soft">in order</div> : null}
        </>
      ),
    },
    {
      head: 'State',
      cell: (one) => (
        <>
          <span className={STATES[one.status].look}>{STATES[one.status].text}</span>
          {one.status === 'DISABLED' && one.disabledReason ? (
            <div className="soft">
              {REASONS[one.disabledReason] ?? one.disabledReason}
              {one.disabledAt ? `, ${formatDateTime(one.disabledAt, timeZone)}` : ''}
            </div>
          ) : null}
          {one.previousSecretUntil ? (
            <div className="soft">
              the previous secret signs until {formatDateTime(one.previousSecretUntil, timeZone)}
            </div>
          ) : null}
        </>
      ),
    },
    {
      head: 'Deliveries',
      cell: (one) => (
        <Link
          className="nowrap"
          to={`/deliveries?${new URLSearchParams({ endpoint: one.id }).toString()}`}
          aria-label={`Show them: deliveries to ${one.url}`}
        >
          Show them
        </Link>
      ),
    },
  ];
  if (isAdmin)
    columns.push({
      head: 'Actions',
      actions: true,
      cell: (endpoint) =>
        endpoint.status === 'ARCHIVED' ? null : (
          <Menu
            label={`Actions for ${endpoint.url}`}
            actions={[
              { label: 'Send a test …', onSelect: () => setAsked({ act: 'test', endpoint }) },
              { label: 'Edit …', onSelect: () => setAsked({ act: 'edit', endpoint }) },
              { label: 'Rotate the secret …', onSelect: () => setAsked({ act: 'rotate', endpoint }) },
              { label: 'Resend events …', onSelect: () => setAsked({ act: 'resend', endpoint }) },
              endpoint.status === 'ENABLED'
                ? { label: 'Disable …', onSelect: () => setAsked({ act: 'disable', endpoint }) }
                : { label: 'Enable', onSelect: () => enable.mutate({ id: endpoint.id }) },
              { label: 'Delete …', onSelect: () => setAsked({ act: 'archive', endpoint }), danger: true },
            ]}
          />
        ),
    });
  const types = result.data?.eventTypes.map(({ name }) => name) ?? [];
  return (
    <>
      <PageHead
        title="Webhooks"
        intro="What happens in the org, posted to your endpoints: signed, and tried again for a day."
      >
        {isAdmin ? (
          <button type="button" className="button button-primary" onClick={() => setAsked({ act: 'create' })}>
            Create endpoint
          </button>
        ) : null}
      </PageHead>
      <Card>
        <label className="check">
          <input type="checkbox" checked={archived} onChange={(event) => setArchived(event.target.checked)} />
          Show deleted ones
        </label>
        {enable.error ? <ErrorNote error={enable.error} /> : null}
        <Loaded result={result} what="endpoints">
          {({ webhookEndpoints }) =>
            webhookEndpoints.length === 0 ? (
              <Empty title="No endpoints yet">
                {isAdmin
                  ? 'Create one to learn of invoices, payments and thresholds as they happen.'
                  : 'An owner or admin can create one.'}
              </Empty>
            ) : (
              <Rows
                label="Webhook endpoints"
                rows={webhookEndpoints}
                keyOf={({ id }) => id}
                faded={({ status }) => status === 'ARCHIVED'}
                columns={columns}
              />
            )
          }
        </Loaded>
      </Card>
      {asked?.act === 'create' ? <CreateDialog types={types} onClose={close} /> : null}
      {asked?.act === 'edit' ? <EditDialog endpoint={asked.endpoint} types={types} onClose={close} /> : null}
      {asked?.act === 'rotate' ? <RotateDialog endpoint={asked.endpoint} onClose={close} /> : null}
      {asked?.act === 'test' ? <TestDialog endpoint={asked.endpoint} onClose={close} /> : null}
      {asked?.act === 'resend' ? <ResendDialog endpoint={asked.endpoint} onClose={close} /> : null}
      {asked?.act === 'disable' ? (
        <ConfirmDialog
          title="Disable the endpoint?"
          submit="Disable"
          busy="Disabling …"
          danger
          mutation={disable}
          onConfirm={() => disable.mutate({ id: asked.endpoint.id })}
          onClose={close}
        >
          <p className="breakable">{asked.endpoint.url}</p>
          <p>What waits is kept until it is enabled again. What happens meanwhile is sent only if you resend it.</p>
        </ConfirmDialog>
      ) : null}
      {asked?.act === 'archive' ? (
        <ConfirmDialog
          title="Delete the endpoint?"
          submit="Delete endpoint"
          busy="Deleting …"
          danger
          mutation={archive}
          onConfirm={() => archive.mutate({ id: asked.endpoint.id })}
          onClose={close}
        >
          <p className="breakable">{asked.endpoint.url}</p>
          <p>Nothing is sent there any more. Its deliveries can still be seen. This cannot be undone.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

type FieldName = 'url' | 'description' | 'all' | 'eventTypes' | 'inOrder';

function fields(types: readonly string[]): FieldSpec<FieldName>[] {
  return [
    { name: 'url', label: 'URL', required: true, maxLength: 2_048, hint: 'https://, at a public address.' },
    { name: 'description', label: 'Description', hint: 'What receives them, for people.' },
    { name: 'all', label: 'Every event, also kinds to come', kind: 'check' },
    { name: 'eventTypes', label: 'Events', kind: 'checks', options: types, when: ({ all }) => all !== 'yes' },
    {
      name: 'inOrder',
      label: 'In order',
      kind: 'check',
      hint: 'An event is sent only when those before it were delivered or given up.',
    },
  ];
}

/** The event types of a form; none stand for all. */
function typesOf({ all, eventTypes }: { all: string; eventTypes: string }): string[] {
  return all === 'yes' ? [] : eventTypes.split(' ').filter(Boolean);
}

function SecretDialog({ title, secret, onClose }: { title: string; secret: string; onClose: () => void }) {
  return (
    <Dialog title={title}>
      <SecretOnce
        secret={secret}
        what="secret"
        note="It cannot be shown again. Your endpoint verifies the signatures of its webhooks with it."
      />
      <div className="dialog-actions">
        <button type="button" className="button button-primary" onClick={onClose}>
          I have stored it
        </button>
      </div>
    </Dialog>
  );
}

function CreateDialog({ types, onClose }: { types: readonly string[]; onClose: () => void }) {
  const create = useChange(CREATE_ENDPOINT);
  const created = create.data?.createWebhookEndpoint;
  if (created) return <SecretDialog title="The endpoint’s signing secret" secret={created.secret} onClose={onClose} />;
  return (
    <FormDialog
      title="Create an endpoint"
      fields={fields(types)}
      initial={{ url: '', description: '', all: 'yes', eventTypes: '', inOrder: '' }}
      submit="Create endpoint"
      busy="Creating …"
      mutation={create}
      onSubmit={(values) =>
        create.mutate({
          input: {
            url: values.url.trim(),
            description: stated(values.description),
            eventTypes: typesOf(values),
            inOrder: values.inOrder === 'yes',
          },
        })
      }
      onClose={onClose}
    />
  );
}

function EditDialog({
  endpoint,
  types,
  onClose,
}: {
  endpoint: WebhookEndpoint;
  types: readonly string[];
  onClose: () => void;
}) {
  const update = useChange(UPDATE_ENDPOINT, onClose);
  return (
    <FormDialog
      title="Edit the endpoint"
      fields={fields(types)}
      initial={{
        url: endpoint.url,
        description: endpoint.description,
        all: endpoint.eventTypes.length === 0 ? 'yes' : '',
        eventTypes: endpoint.eventTypes.join(' '),
        inOrder: endpoint.inOrder ? 'yes' : '',
      }}
      submit="Save"
      mutation={update}
      onSubmit={(values) =>
        update.mutate({
          input: {
            id: endpoint.id,
            url: values.url.trim(),
            description: values.description.trim(),
            eventTypes: typesOf(values),
            inOrder: values.inOrder === 'yes',
          },
        })
      }
      onClose={onClose}
    />
  );
}

const OVERLAPS = [
  { value: '86400', label: 'for a day' },
  { value: '604800', label: 'for a week' },
  { value: '3600', label: 'for an hour' },
  { value: '0', label: 'no more: it has leaked' },
];

function RotateDialog({ endpoint, onClose }: { endpoint: WebhookEndpoint; onClose: () => void }) {
  const rotate = useChange(ROTATE_SECRET);
  const rotated = rotate.data?.rotateWebhookSecret;
  if (rotated) return <SecretDialog title="The new signing secret" secret={rotated.secret} onClose={onClose} />;
  return (
    <FormDialog
      title="Rotate the secret"
      intro={<p className="breakable">{endpoint.url}</p>}
      fields={[{ name: 'overlap', label: 'The previous secret signs as well', kind: 'select', options: OVERLAPS }]}
      initial={{ overlap: '86400' }}
      submit="Rotate"
      busy="Rotating …"
      mutation={rotate}
      onSubmit={({ overlap }) => rotate.mutate({ id: endpoint.id, overlap: Number(overlap) })}
      onClose={onClose}
    />
  );
}

/** Sends an event of type `test`, and shows what the endpoint answers. */
function TestDialog({ endpoint, onClose }: { endpoint: WebhookEndpoint; onClose: () => void }) {
  const send = useChange(TEST_ENDPOINT);
  const { data } = useDelivery(send.data?.testWebhookEndpoint.id ?? null);
  const delivery = data?.delivery ?? null;
  if (!send.data)
    return (
      <FormDialog
        title="Send a test"
        intro={
          <>
            <p className="breakable">{endpoint.url}</p>
            <p>
              An event of type <code>test</code>, signed like any other.
            </p>
          </>
        }
        fields={[]}
        initial={{}}
        submit="Send"
        busy="Sending …"
        mutation={send}
        onSubmit={() => send.mutate({ id: endpoint.id })}
        onClose={onClose}
      />
    );
  return (
    <Dialog title="Send a test" onClose={onClose} wide>
      <p className="breakable">{endpoint.url}</p>
      <p role="status">
        {delivery === null || (delivery.status === 'WAITING' && delivery.attempts.length === 0)
          ? 'Sent; its answer is awaited …'
          : OUTCOMES[delivery.status].text}
      </p>
      {delivery === null ? null : <AttemptTable attempts={delivery.attempts} />}
      <div className="dialog-actions">
        <button type="button" className="button button-primary" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
