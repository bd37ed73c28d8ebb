import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { graphql } from '../api';
import { formatInstant } from '../format';
import { Failure, Loaded } from '../Loaded';

interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  scopes: string[];
  backfill: boolean;
  createdAt: string;
  revokedAt: string | null;
}

export function ApiKeysPage() {
  const client = useQueryClient();
  const keys = useQuery({
    queryKey: ['keys'],
    queryFn: () => graphql<{ apiKeys: ApiKey[] }>('{ apiKeys { id name prefix scopes backfill createdAt revokedAt } }'),
  });
  const refresh = () => client.invalidateQueries({ queryKey: ['keys'] });
  const create = useMutation({
    mutationFn: (input: { name: string; scopes: string[] }) =>
      graphql<{ createApiKey: { secret: string } }>('mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }', {
        input,
      }),
    onSuccess: refresh,
  });
  const revoke = useMutation({
    mutationFn: (id: string) => graphql('mutation($id: ID!) { revokeApiKey(id: $id) { id } }', { id }),
    onSuccess: refresh,
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    create.mutate({ name: String(form.get('name')), scopes: form.getAll('scope').map(String) });
  };
  return (
    <>
      <h1>API keys</h1>
      <form className="toolbar" onSubmit={submit}>
        <label>
          Name <input name="name" required maxLength={100} />
        </label>
        {['ingest', 'read', 'admin'].map((scope) => (
          <label key={scope}>
            <input type="checkbox" name="scope" value={scope} defaultChecked={scope === 'ingest'} /> {scope}
          </label>
        ))}
        <button disabled={create.isPending}>Create</button>
      </form>
      {create.data && (
        <p role="status" className="good">
          The key is shown once: <code className="secret">{create.data.createApiKey.secret}</code>
        </p>
      )}
      {create.isError && <Failure error={create.error} />}
      {revoke.isError && <Failure error={revoke.error} />}
      <Loaded query={keys}>
        {({ apiKeys }) => (
          <table>
            <thead>
              <tr>
                <th>Name</th>
                <th>Key</th>
                <th>Scopes</th>
                <th>Created</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {apiKeys.map((key) => (
                <tr key={key.id}>
                  <td>{key.name}</td>
                  <td>
                    <code>{key.prefix}…</code>
                  </td>
                  <td>
                    {key.scopes.join(', ')}
                    {key.backfill && ' (may backfill)'}
                  </td>
                  <td>{formatInstant(key.createdAt)}</td>
                  <td>
                    {key.revokedAt ? (
                      <span className="soft">revoked</span>
                    ) : (
                      <button className="quiet" onClick={() => revoke.mutate(key.id)}>
                        Revoke
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Loaded>
    </>
  );
}
