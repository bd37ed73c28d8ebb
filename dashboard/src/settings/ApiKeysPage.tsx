import { useState, type SyntheticEvent } from 'react';
import { useChange, useRead } from '../api/hooks';
import { ConfirmDialog, FormDialog, statedInstant } from '../forms/FormDialog';
import { formatDateTime } from '../format/time';
import { useMay, useTimeZone } from '../session/Viewer';
import { Card, Dialog, Field, PageHead, Rows, SecretOnce, type Column } from '../ui/elements';
import { argumentOf, errorAt } from '../ui/errors';
import { Menu } from '../ui/Menu';
import { Empty, ErrorNote, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { API_KEYS, CREATE_API_KEY, REVOKE_API_KEY, ROTATE_API_KEY, type ApiKey } from './queries';

const SCOPES = [
  { value: 'ingest', label: 'ingest', hint: 'send events' },
  { value: 'read', label: 'read', hint: 'every query' },
  { value: 'admin', label: 'admin', hint: 'every mutation, and read' },
] as const;

export function ApiKeysPage() {
  const mayChange = useMay('admin');
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const [rotating, setRotating] = useState<ApiKey | null>(null);
  const revoke = useChange(REVOKE_API_KEY, () => setRevoking(null));
  const result = useRead(API_KEYS, {}, { enabled: mayChange });
  useTitle('API keys');

  return (
    <>
      <PageHead title="API keys" intro="Credentials for programs. A key is stored hashed and shown only once.">
        {mayChange ? (
          <button type="button" className="button button-primary" onClick={() => setCreating(true)}>
            Create key
          </button>
        ) : null}
      </PageHead>
      <Card>
        {mayChange ? (
          <Loaded result={result} what="API keys">
            {({ apiKeys }) =>
              apiKeys.length === 0 ? (
                <Empty title="No API keys">Create one to send events.</Empty>
              ) : (
                <KeyTable keys={apiKeys} onRevoke={setRevoking} onRotate={setRotating} />
              )
            }
          </Loaded>
        ) : (
          <Empty title="API keys are for owners and admins" />
        )}
      </Card>
      {creating ? <CreateDialog onClose={() => setCreating(false)} /> : null}
      {rotating ? <RotateDialog apiKey={rotating} onClose={() => setRotating(null)} /> : null}
      {revoking ? (
        <ConfirmDialog
          title={`Revoke “${revoking.name}”?`}
          submit="Revoke key"
          busy="Revoking …"
          danger
          mutation={revoke}
          onConfirm={() => revoke.mutate({ id: revoking.id })}
          onClose={() => setRevoking(null)}
        >
          <p>
            Requests with <code>{revoking.prefix}…</code> will be refused. This cannot be undone.
          </p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function KeyTable({
  keys,
  onRevoke,
  onRotate,
}: {
  keys: readonly ApiKey[];
  onRevoke: (key: ApiKey) => void;
  onRotate: (key: ApiKey) => void;
}) {
  const timeZone = useTimeZone();
  const columns: Column<ApiKey>[] = [
    {
      head: 'Name',
      cell: (key) => (
        <>
          {key.name}
          <code className="soft under">{key.prefix}…</code>
        </>
      ),
    },
    {
      head: 'Scopes',
      cell: (key) => (
        <>
          {key.scopes.join(', ')}
          {key.backfill ? <div className="soft">may backfill</div> : null}
        </>
      ),
    },
    { head: 'Created', cell: (key) => formatDateTime(key.createdAt, timeZone) },
    {
      head: 'Last used',
      cell: (key) => (key.lastUsedAt ? formatDateTime(key.lastUsedAt, timeZone) : <span className="soft">never</span>),
    },
    {
      head: 'State',
      cell: (key) =>
        key.revokedAt ? (
          `Revoked ${formatDateTime(key.revokedAt, timeZone)}`
        ) : (
          <>
            <span className="badge badge-published">Active</span>
            {key.expiresAt ? <div className="soft">until {formatDateTime(key.expiresAt, timeZone)}</div> : null}
            {key.rotatedAt ? <div className="soft">rotated {formatDateTime(key.rotatedAt, timeZone)}</div> : null}
          </>
        ),
    },
    {
      head: 'Actions',
      actions: true,
      cell: (key) =>
        key.revokedAt ? null : (
          <Menu
            label={`Actions for ${key.name}`}
            actions={[
              { label: 'Rotate …', onSelect: () => onRotate(key) },
              { label: 'Revoke …', onSelect: () => onRevoke(key), danger: true },
            ]}
          />
        ),
    },
  ];
  return (
    <Rows
      label="API keys"
      rows={keys}
      keyOf={({ id }) => id}
      faded={({ revokedAt }) => revokedAt !== null}
      columns={columns}
    />
  );
}

/** Without onClose, Escape does nothing: the secret is shown only once. */
function SecretDialog({
  title,
  secret,
  note,
  onClose,
}: {
  title: string;
  secret: string;
  note: string;
  onClose: () => void;
}) {
  return (
    <Dialog title={title}>
      <SecretOnce secret={secret} note={note} />
      <div className="dialog-actions">
        <button type="button" className="button button-primary" onClick={onClose}>
          I have stored it
        </button>
      </div>
    </Dialog>
  );
}

function CreateDialog({ onClose }: { onClose: () => void }) {
  const timeZone = useTimeZone();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly string[]>(['ingest']);
  const [backfill, setBackfill] = useState(false);
  const [expiresAt, setExpiresAt] = useState('');
  const create = useChange(CREATE_API_KEY);
  const created = create.data?.createApiKey;
  if (created)
    return (
      <SecretDialog
        title={`API key “${created.key.name}”`}
        secret={created.secret}
        note="It cannot be shown again."
        onClose={onClose}
      />
    );

  const close = () => {
    if (!create.isPending) onClose();
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    create.mutate({
      input: { name: name.trim(), scopes: [...scopes], backfill, expiresAt: statedInstant(expiresAt, timeZone) },
    });
  };
  const atField = ['name', 'scopes', 'expiresAt'].some((path) => errorAt(create.error, path) !== null);
  return (
    <Dialog title="Create an API key" onClose={close}>
      <form onSubmit={submit} className="form">
        {create.error && !(argumentOf(create.error) !== null && atField) ? <ErrorNote error={create.error} /> : null}
        <Field
          label="Name"
          hint="What uses the key, such as “production ingest”."
          error={errorAt(create.error, 'name')}
        >
          {(props) => (
            <input {...props} required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
          )}
        </Field>
        <fieldset>
          <legend>Scopes</legend>
          {SCOPES.map((scope) => (
            <label key={scope.value} className="check">
              <input
                type="checkbox"
                checked={scopes.includes(scope.value)}
                onChange={(event) =>
                  setScopes(
                    event.target.checked ? [...scopes, scope.value] : scopes.filter((one) => one !== scope.value),
                  )
                }
              />
              {scope.label} <span className="soft">{scope.hint}</span>
            </label>
          ))}
          {errorAt(create.error, 'scopes') ? (
            <p className="field-error" role="alert">
              {errorAt(create.error, 'scopes')}
            </p>
          ) : null}
        </fieldset>
        <label className="check">
          <input type="checkbox" checked={backfill} onChange={(event) => setBackfill(event.target.checked)} />
          May backfill <span className="soft">events older than 35 days</span>
        </label>
        <Field
          label="Expires"
          hint={`On the clock of ${timeZone}. Never, if you leave it out.`}
          error={errorAt(create.error, 'expiresAt')}
        >
          {(props) => (
            <input
              {...props}
              type="datetime-local"
              value={expiresAt}
              onChange={(event) => setExpiresAt(event.target.value)}
            />
          )}
        </Field>
        <div className="dialog-actions">
          <button type="button" className="button" onClick={close} disabled={create.isPending}>
            Cancel
          </button>
          <button type="submit" className="button button-primary" disabled={create.isPending || scopes.length === 0}>
            {create.isPending ? 'Creating …' : 'Create'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const OVERLAPS = [
  { value: '86400', label: 'for a day' },
  { value: '604800', label: 'for a week' },
  { value: '3600', label: 'for an hour' },
  { value: '0', label: 'not at all: it has leaked' },
];

function RotateDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const rotate = useChange(ROTATE_API_KEY);
  const rotated = rotate.data?.rotateApiKey;
  if (rotated)
    return (
      <SecretDialog
        title={`New secret of “${rotated.key.name}”`}
        secret={rotated.secret}
        note="It cannot be shown again. Put it where the previous one is."
        onClose={onClose}
      />
    );
  return (
    <FormDialog
      title={`Rotate “${apiKey.name}”`}
      intro={
        <p>
          The key stays <code>{apiKey.prefix}…</code> and gets a new secret.
        </p>
      }
      fields={[{ name: 'overlap', label: 'The previous secret works', kind: 'select', options: OVERLAPS }]}
      initial={{ overlap: '86400' }}
      submit="Rotate"
      busy="Rotating …"
      mutation={rotate}
      onSubmit={({ overlap }) => rotate.mutate({ id: apiKey.id, overlap: Number(overlap) })}
      onClose={onClose}
    />
  );
}
