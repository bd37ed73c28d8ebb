import { useQueryClient } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';
import { useChange, useRead } from '../api/hooks';
import type { ApiKey } from '../api/schema';
import { formatDateTime } from '../format/time';
import { useMayChange, useTimeZone } from '../session/Viewer';
import { Card, Dialog, Field, PageHead, SecretOnce, Table } from '../ui/elements';
import { describeError, fieldOf } from '../ui/errors';
import { Empty, ErrorNote, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';

export const API_KEYS = /* GraphQL */ `
  query ApiKeys {
    apiKeys {
      id
      name
      prefix
      scopes
      backfill
      createdAt
      revokedAt
    }
  }
`;

export const CREATE_API_KEY = /* GraphQL */ `
  mutation CreateApiKey($input: CreateApiKeyInput!) {
    createApiKey(input: $input) {
      key {
        id
        name
      }
      secret
    }
  }
`;

export const REVOKE_API_KEY = /* GraphQL */ `
  mutation RevokeApiKey($id: ID!) {
    revokeApiKey(id: $id) {
      id
      revokedAt
    }
  }
`;

const SCOPES = [
  { value: 'ingest', label: 'ingest', hint: 'send events' },
  { value: 'read', label: 'read', hint: 'every query' },
  { value: 'admin', label: 'admin', hint: 'every mutation, and read' },
] as const;

type Created = { createApiKey: { key: { id: string; name: string }; secret: string } };

export function ApiKeysPage() {
  const mayChange = useMayChange();
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const result = useRead<{ apiKeys: ApiKey[] }>(API_KEYS);
  useTitle('API keys');

  return (
    <>
      <PageHead title="API keys" intro="Credentials for programs. A key is stored hashed and shown only once.">
        <button
          type="button"
          className="button button-primary"
          disabled={!mayChange}
          title={mayChange ? undefined : 'Requires the role owner or admin.'}
          onClick={() => setCreating(true)}
        >
          Create key
        </button>
      </PageHead>
      <Card>
        <Loaded result={result} what="API keys">
          {({ apiKeys }) =>
            apiKeys.length === 0 ? (
              <Empty title="No API keys">Create one to send events.</Empty>
            ) : (
              <KeyTable keys={apiKeys} mayChange={mayChange} onRevoke={setRevoking} />
            )
          }
        </Loaded>
      </Card>
      {creating ? <CreateDialog onClose={() => setCreating(false)} /> : null}
      {revoking ? <RevokeDialog apiKey={revoking} onClose={() => setRevoking(null)} /> : null}
    </>
  );
}

type KeyTableProps = { keys: ApiKey[]; mayChange: boolean; onRevoke: (key: ApiKey) => void };

function KeyTable({ keys, mayChange, onRevoke }: KeyTableProps) {
  const timeZone = useTimeZone();
  return (
    <Table
      label="API keys"
      head={
        <>
          <th scope="col">Name</th>
          <th scope="col">Prefix</th>
          <th scope="col">Scopes</th>
          <th scope="col">Created</th>
          <th scope="col">State</th>
          <th scope="col">
            <span className="visually-hidden">Actions</span>
          </th>
        </>
      }
    >
      {keys.map((key) => (
        <tr key={key.id} className={key.revokedAt ? 'faded' : undefined}>
          <td>{key.name}</td>
          <td>
            <code>{key.prefix}…</code>
          </td>
          <td>
            {key.scopes.join(', ')}
            {key.backfill ? <div className="soft">may backfill</div> : null}
          </td>
          <td>{formatDateTime(key.createdAt, timeZone)}</td>
          <td>
            {key.revokedAt ? (
              `Revoked ${formatDateTime(key.revokedAt, timeZone)}`
            ) : (
              <span className="badge badge-published">Active</span>
            )}
          </td>
          <td className="right">
            {key.revokedAt ? null : (
              <button
                type="button"
                className="button button-small button-danger"
                disabled={!mayChange}
                aria-label={`Revoke ${key.name}`}
                onClick={() => onRevoke(key)}
              >
                Revoke
              </button>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function CreateDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly string[]>(['ingest']);
  const [backfill, setBackfill] = useState(false);
  const create = useChange<Created, { input: { name: string; scopes: readonly string[]; backfill: boolean } }>(
    CREATE_API_KEY,
    () => queries.invalidateQueries({ queryKey: [API_KEYS] }),
  );
  const close = () => {
    if (!create.isPending) onClose();
  };

  if (create.data) {
    return (
      // Escape must not close the dialog: the secret is shown only once.
      <Dialog title={`API key “${create.data.createApiKey.key.name}”`} onClose={() => undefined}>
        <SecretOnce secret={create.data.createApiKey.secret} note="It cannot be shown again." />
        <div className="dialog-actions">
          <button type="button" className="button button-primary" onClick={onClose}>
            I have stored it
          </button>
        </div>
      </Dialog>
    );
  }

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    create.mutate({ input: { name: name.trim(), scopes, backfill } });
  };
  const refused = fieldOf(create.error);
  const nameError = refused === 'name' ? describeError(create.error).detail : null;

  return (
    <Dialog title="Create an API key" onClose={close}>
      <form onSubmit={submit}>
        {create.error && nameError === null ? <ErrorNote error={create.error} /> : null}
        <Field label="Name" hint="What uses the key, such as “production ingest”." error={nameError}>
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
        </fieldset>
        <label className="check">
          <input type="checkbox" checked={backfill} onChange={(event) => setBackfill(event.target.checked)} />
          May backfill <span className="soft">events older than 35 days</span>
        </label>
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

function RevokeDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const queries = useQueryClient();
  const revoke = useChange<unknown, { id: string }>(REVOKE_API_KEY, async () => {
    await queries.invalidateQueries({ queryKey: [API_KEYS] });
    onClose();
  });
  const close = () => {
    if (!revoke.isPending) onClose();
  };
  return (
    <Dialog title={`Revoke “${apiKey.name}”?`} onClose={close}>
      <p>
        Requests with <code>{apiKey.prefix}…</code> will be refused. This cannot be undone.
      </p>
      {revoke.error ? <ErrorNote error={revoke.error} /> : null}
      <div className="dialog-actions">
        <button type="button" className="button" onClick={close} disabled={revoke.isPending}>
          Cancel
        </button>
        <button
          type="button"
          className="button button-danger"
          disabled={revoke.isPending}
          onClick={() => revoke.mutate({ id: apiKey.id })}
        >
          {revoke.isPending ? 'Revoking …' : 'Revoke key'}
        </button>
      </div>
    </Dialog>
  );
}
