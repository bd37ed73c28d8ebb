import {
  keepPreviousData,
  useMutation,
  useQuery,
  type UseMutationResult,
  type UseQueryResult,
} from '@tanstack/react-query';
import { createContext, use } from 'react';
import type { Request, Variables } from './client';

export const ApiContext = createContext<Request | null>(null);

function useRequest(): Request {
  const request = use(ApiContext);
  if (!request) throw new Error('A page that reads the API is outside ApiProvider.');
  return request;
}

type ReadOptions = {
  enabled?: boolean;
  /** Ask again every so many ms; false for not at all. */
  every?: number | false;
  /** Show the last answer (of other variables) until the new one is there. */
  keepPrevious?: boolean;
};

/** Reads with a GraphQL document; the document and its variables are the cache's key. */
export function useRead<T>(document: string, variables: Variables = {}, options: ReadOptions = {}): UseQueryResult<T> {
  const request = useRequest();
  return useQuery<T>({
    queryKey: [document, variables],
    queryFn: ({ signal }) => request<T>(document, variables, signal),
    enabled: options.enabled ?? true,
    refetchInterval: options.every ?? false,
    ...(options.keepPrevious ? { placeholderData: keepPreviousData } : {}),
  });
}

/** Changes something with a GraphQL document. `after` sees the answer before the mutation counts as done. */
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
