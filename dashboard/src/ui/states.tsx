import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { isUnauthenticated } from '../api/client';
import { describeError } from './errors';

export function Loading({ what }: { what: string }) {
  return (
    <div className="state" role="status" aria-busy="true">
      <span className="spinner" aria-hidden="true" />
      <span>Loading {what} …</span>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state state-empty">
      <strong>{title}</strong>
      {children ? <div>{children}</div> : null}
    </div>
  );
}

export function ErrorNote({ error, onRetry }: { error: unknown; onRetry?: (() => unknown) | undefined }) {
  const { title, detail, code } = describeError(error);
  return (
    <div className="state state-error" role="alert">
      <div>
        <strong>{title}</strong>
        <p>
          {detail} <code>{code}</code>
        </p>
      </div>
      {onRetry ? (
        <button type="button" className="button" onClick={() => void onRetry()}>
          Try again
        </button>
      ) : null}
    </div>
  );
}

/**
 * Loading, error and data of a query. Data stays visible during a refetch and when that fails, then with a note that it
 * may be out of date.
 */
export function Loaded<T>({
  result,
  what,
  children,
}: {
  result: UseQueryResult<T>;
  what: string;
  children: (data: T) => ReactNode;
}) {
  if (result.data !== undefined) {
    return (
      <div className={result.isPlaceholderData ? 'stale' : undefined} aria-busy={result.isPlaceholderData}>
        {result.error && !isUnauthenticated(result.error) ? (
          <ErrorNote error={result.error} onRetry={() => result.refetch()} />
        ) : null}
        {children(result.data)}
      </div>
    );
  }
  if (result.error) return <ErrorNote error={result.error} onRetry={() => result.refetch()} />;
  return <Loading what={what} />;
}
