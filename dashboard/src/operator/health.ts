import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { ApiError, OWN_PAGE } from '../api/client';
import { useSession } from '../session/SessionContext';

export type ServiceHealth = { name: string; healthy: boolean; answer: string | null };

/** What each service answered to the gateway, which asks them. */
export function useHealth(every: number): UseQueryResult<ServiceHealth[]> {
  const { status } = useSession();
  return useQuery({
    queryKey: ['health of services'],
    queryFn: ({ signal }) => ask(signal),
    enabled: status !== 'leaving',
    refetchInterval: every,
  });
}

async function ask(signal: AbortSignal): Promise<ServiceHealth[]> {
  let response: Response;
  try {
    response = await fetch('/installation/health', { headers: { accept: 'application/json', ...OWN_PAGE }, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError('NETWORK', 'Polaris cannot be reached. Check your connection and try again.');
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && typeof body === 'object' && body !== null && 'services' in body && Array.isArray(body.services))
    return body.services as ServiceHealth[];
  throw response.status === 403
    ? new ApiError('FORBIDDEN', 'Only operators see the health of services.')
    : new ApiError('UNAVAILABLE', 'The health of the services is not known at the moment.');
}
