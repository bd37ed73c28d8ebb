import { useQuery } from '@tanstack/react-query';
import type { Document } from '../api/graphql';
import { useRequest } from '../api/hooks';

export type CustomerFacts = {
  /** The customer's name; undefined while it is not known, or where no customer has the key. */
  nameOf: (key: string) => string | undefined;
  /** The time zone of a subscription, in which its periods begin and end. */
  zoneOf: (subscriptionId: string) => string | undefined;
};

type Answer = Record<string, { name: string } | { nodes: { id: string; timeZone: string }[] } | null>;

/** The API's root fields an operation may have, and two are asked for each customer. */
export const MAX_KEYS = 25;

/** One operation for all customers of a page. Its text depends on their number only. */
export function customerFactsDocument(count: number): string {
  const each = (text: (index: number) => string) => Array.from({ length: count }, (_, index) => text(index)).join('\n');
  return `query CustomerFacts(${each((i) => `$k${i}: String!`)}) {
${each((i) => `c${i}: customer(key: $k${i}) { name }\ns${i}: subscriptions(customer: $k${i}, first: 20) { nodes { id timeZone } }`)}
}`;
}

/** Names and time zones for lists in which the API has keys and ids. */
export function useCustomerFacts(keys: readonly string[]): CustomerFacts {
  const request = useRequest();
  const wanted = [...new Set(keys)].sort().slice(0, MAX_KEYS);
  const { data } = useQuery({
    queryKey: ['customer-facts', wanted],
    enabled: wanted.length > 0,
    queryFn: ({ signal }) =>
      request(
        customerFactsDocument(wanted.length) as Document<Answer, Record<string, string>>,
        Object.fromEntries(wanted.map((key, index) => [`k${index}`, key])),
        signal,
      ),
  });
  const names = new Map<string, string>();
  const zones = new Map<string, string>();
  wanted.forEach((key, index) => {
    const [customer, subscriptions] = [data?.[`c${index}`], data?.[`s${index}`]];
    if (customer && 'name' in customer) names.set(key, customer.name);
    if (subscriptions && 'nodes' in subscriptions)
      for (const { id, timeZone } of subscriptions.nodes) zones.set(id, timeZone);
  });
  return { nameOf: (key) => names.get(key), zoneOf: (id) => zones.get(id) };
}
