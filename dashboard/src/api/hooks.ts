import {
  keepPreviousData,
  useMutation,
  useQuery,
  useQueryClient,
  type UseMutationResult,
  type UseQueryResult,
} from '@tanstack/react-query';
import { createContext, use } from 'react';
import { useSession } from '../session/SessionContext';
import type { Request, Variables } from './client';
import type { Document } from './graphql';

export const ApiContext = createContext<Request | null>(null);

export function useRequest(): Request {
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
export function useRead<A, V extends Variables>(
  document: Document<A, V>,
  variables: V,
  options: ReadOptions = {},
): UseQueryResult<A> {
  const request = useRequest();
  const { status } = useSession();
  return useQuery<A>({
    queryKey: [document, variables],
    queryFn: ({ signal }) => request(document, variables, signal),
    enabled: status !== 'leaving' && (options.enabled ?? true),
    refetchInterval: options.every ?? false,
    ...(options.keepPrevious ? { placeholderData: keepPreviousData } : {}),
  });
}

/**
 * A mutation. `after` receives the data once everything on the page has been read again: what a change touches is not always on the page
 * that made it (a period that ends, a draft that is replaced).
 */
export function useChange<A, V extends Variables>(
  document: Document<A, V>,
  after?: (answer: A) => unknown,
): UseMutationResult<A, Error, V> {
  const request = useRequest();
  const queries = useQueryClient();
  return useMutation<A, Error, V>({
    mutationFn: (variables) => request(document, variables),
    onSuccess: async (answer) => {
      await queries.invalidateQueries();
      await after?.(answer);
    },
  });
}
