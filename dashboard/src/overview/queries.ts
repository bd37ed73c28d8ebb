import { graphql } from '../api/graphql';

/** What the checklist and the head of the page need, in one request. */
export const OVERVIEW = graphql(/* GraphQL */ `
  query Overview {
    meters {
      key
      name
      aggregation
    }
    plans {
      key
      current {
        id
      }
    }
    customers(first: 1) {
      totalCount
    }
    subscriptions(first: 100) {
      totalCount
      nodes {
        id
        customer: customerKey
        status
      }
    }
    drafts: invoices(first: 1, status: DRAFT) {
      totalCount
    }
    finalized: invoices(first: 1, status: FINALIZED) {
      totalCount
    }
    paid: invoices(first: 1, status: PAID) {
      totalCount
    }
    recentEvents(limit: 1) {
      receivedAt
    }
    heldInvoices {
      subscriptionId
    }
    reconciliation {
      lastCheckedAt
      driftFound
      driftRepaired
    }
  }
`);
