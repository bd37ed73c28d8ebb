import {
  keepPreviousData,
  useMutation,
  useQuery,
  type UseMutationResult,
  type UseQueryResult,
} from '@tanstack/react-query';
import { createContext, use } from 'react';
import { useSession } from '../session/SessionContext';
import type { Request, Variables } from './client';

export const ApiContext = createContext<Request | null>(null);

function useRequest(): Request {
  const request = use(ApiContext);
  if (!request) throw new Error('This component must be inside ApiProvider.');
  return request;
}

type ReadOptions = {
  enabled?: boolean;
  /** Refetch interval in ms; false for none. */
  every?: number | false;
  /** Show the previous data (of other variables) until the new data arrives. */
  keepPrevious?: boolean;
};

/** A query; the document and its variables are the cache key. */
export function useRead<T>(document: string, variables: Variables = {}, options: ReadOptions = {}): UseQueryResult<T> {
  const request = useRequest();
  const { status } = useSession();
  return useQuery<T>({
    queryKey: [document, variables],
    queryFn: ({ signal }) => request<T>(document, variables, signal),
    enabled: status !== 'leaving' && (options.enabled ?? true),
    refetchInterval: options.every ?? false,
    ...(options.keepPrevious ? { placeholderData: keepPreviousData } : {}),
  });
}

/** A mutation. `after` receives the data before the mutation is complete. */
export function useChange<T, V extends Variables>(
  document: string,
  after?: (answer: T) => unknown,
): UseMutationResult<T, Error, V> {
  const request = useRequest();
  return useMutation<T, Error, V>({
    mutationFn: (variables) => request<T>(document, variables),
    onSuccess: async (answer) => {
      await after?.(answer);
    },
  });
}
