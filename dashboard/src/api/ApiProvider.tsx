import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useMemo, type ReactNode } from 'react';
import { useSession } from '../session/SessionContext';
import { ApiError, authenticated } from './client';
import { ApiContext } from './hooks';

/** Retries of a request that failed for a transient reason. */
const MAX_RETRIES = 2;

export function createQueryClient(retryDelay?: number): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (failures, error) => failures < MAX_RETRIES && error instanceof ApiError && error.isTransient,
        ...(retryDelay === undefined ? {} : { retryDelay }),
      },
      mutations: { retry: false },
    },
  });
}

export function ApiProvider({ children, client }: { children: ReactNode; client: QueryClient }) {
  const { onEnded, status } = useSession();
  useEffect(() => {
    if (status === 'leaving') void client.cancelQueries();
  }, [status, client]);
  const request = useMemo(() => authenticated(onEnded), [onEnded]);
  return (
    <QueryClientProvider client={client}>
      <ApiContext value={request}>{children}</ApiContext>
    </QueryClientProvider>
  );
}
