import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiError } from './api';
import { useSession } from './auth';

/** Shows a query's data, or that it is loading, or why it failed. */
export function Loaded<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  if (query.isPending) return <p className="soft">Loading…</p>;
  if (query.isError) return <Failure error={query.error} />;
  return <>{children(query.data)}</>;
}

export function Failure({ error }: { error: unknown }) {
  const { signIn } = useSession();
  const expired = error instanceof ApiError && error.code === 'UNAUTHENTICATED';
  return (
    <p role="alert" className="error">
      {error instanceof Error ? error.message : 'Something went wrong.'}{' '}
      {expired && (
        <button className="quiet" onClick={() => void signIn()}>
          Sign in again
        </button>
      )}
    </p>
  );
}
