import { graphql } from '../api/graphql';

// One query for each service: when one is away, the operator sees what the others say.

export const OPERATIONS = graphql(/* GraphQL */ `
  query Operations {
    operations {
      eventsLastMinute
      eventsLastHour
      eventsLastDay
      slowestMilliseconds
      countedThrough
      busiestOrgs {
        orgId
        events
      }
      heldOrgs {
        orgId
        code
        invoices
        dueSince
      }
      unpublished
      unpublishedSince
      deadLetters
      deadLettersSince
      openDifferences
    }
  }
`);

export const USAGE_OUTBOX = graphql(/* GraphQL */ `
  query UsageOutbox {
    usageOutbox {
      batches
      oldestReceivedAt
    }
  }
`);

export const ORGS = graphql(/* GraphQL */ `
  query Orgs($first: Int!, $after: String, $search: String) {
    orgs(first: $first, after: $after, search: $search) {
      nodes {
        id
        name
        sandbox
        createdAt
      }
      endCursor
      hasNextPage
    }
  }
`);

export const ORG_NAMES = graphql(/* GraphQL */ `
  query OrgNames($ids: [ID!]!, $first: Int!) {
    orgs(ids: $ids, first: $first) {
      nodes {
        id
        name
      }
    }
  }
`);

export const ORG_ACTIVITY = graphql(/* GraphQL */ `
  query OrgActivity($orgIds: [ID!]!) {
    orgActivity(orgIds: $orgIds) {
      orgId
      eventsLastHour
      heldInvoices
      deadLetters
    }
  }
`);
