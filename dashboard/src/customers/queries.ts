export const CUSTOMERS = /* GraphQL */ `
  query Customers($first: Int!, $after: String, $search: String) {
    customers(first: $first, after: $after, search: $search) {
      nodes {
        id
        key
        name
        email
        createdAt
      }
      totalCount
      endCursor
      hasNextPage
    }
  }
`;

export const CUSTOMER = /* GraphQL */ `
  query Customer($key: String!) {
    customer(key: $key) {
      id
      key
      name
      email
      createdAt
    }
  }
`;

export const SUBSCRIPTIONS = /* GraphQL */ `
  query Subscriptions($customer: String!, $first: Int!, $after: String) {
    subscriptions(customer: $customer, first: $first, after: $after) {
      nodes {
        id
        customer: customerKey
        planKey
        planVersionId
        start
        end
        anchorDay
        timeZone
      }
      totalCount
      endCursor
      hasNextPage
    }
  }
`;

export const CURRENT_USAGE = /* GraphQL */ `
  query CurrentUsage($customer: String!) {
    currentUsage(customer: $customer) {
      subscriptionId
      charge
      meter
      periodStart
      periodEnd
      quantity
      amount
      currency
    }
  }
`;

/** A key is any string, even "a/b" or "..", so it is a query parameter and not a path segment. */
export function customerPath(key: string): string {
  return `/customers/detail?${new URLSearchParams({ key }).toString()}`;
}
