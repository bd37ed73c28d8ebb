import type { QualityQuery } from '../api/generated';
import { graphql } from '../api/graphql';

export const RECONCILIATION = graphql(/* GraphQL */ `
  query Reconciliation {
    reconciliation {
      lastCheckedAt
      lastPassAt
      bucketsInLastPass
      driftFound
      driftRepaired
      findings {
        kind
        place
        bucketStart
        stored
        expected
        foundAt
        repairedAt
      }
    }
  }
`);

/** What every reader may see. */
export const QUALITY = graphql(/* GraphQL */ `
  query Quality {
    heldInvoices {
      subscriptionId
      customer
      code
      message
      periodStart
      periodEnd
      tries
      retryAt
    }
  }
`);

export const DEAD_LETTERS = graphql(/* GraphQL */ `
  query DeadLetters {
    deadLetters(first: 100) {
      id
      source
      reason
      attempts
      bytes
      seenAt
    }
  }
`);

export const DELIVERY_DEAD_LETTERS = graphql(/* GraphQL */ `
  query DeliveryDeadLetters {
    deliveryDeadLetters(first: 100) {
      id
      source
      reason
      attempts
      bytes
      seenAt
      retryAt
    }
  }
`);

export const REPLAY_DELIVERY_DEAD_LETTERS = graphql(/* GraphQL */ `
  mutation ReplayDeliveryDeadLetters($ids: [ID!]) {
    replayDeliveryDeadLetters(ids: $ids) {
      replayed
      resolved
    }
  }
`);

export const REPLAY_DEAD_LETTERS = graphql(/* GraphQL */ `
  mutation ReplayDeadLetters($ids: [ID!]) {
    replayDeadLetters(ids: $ids) {
      replayed
      resolved
      failed {
        id
        reason
      }
    }
  }
`);

export const RETRY_HELD = graphql(/* GraphQL */ `
  mutation RetryHeldInvoices($subscriptionIds: [ID!]) {
    retryHeldInvoices(subscriptionIds: $subscriptionIds) {
      subscriptionId
      message
    }
  }
`);

export const RECONCILE = graphql(/* GraphQL */ `
  mutation ReconcileUsage($from: DateTime!, $to: DateTime!) {
    reconcileUsage(from: $from, to: $to) {
      checkedThrough
      buckets
      events
      driftFound
      driftRepaired
      milliseconds
    }
  }
`);

export type HeldInvoice = QualityQuery['heldInvoices'][number];
