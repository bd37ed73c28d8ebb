import type { RecentEventsQuery } from '../api/generated';
import { graphql } from '../api/graphql';

export const RECENT_EVENTS = graphql(/* GraphQL */ `
  query RecentEvents($limit: Int!) {
    recentEvents(limit: $limit) {
      idempotencyKey
      type
      customer: customerKey
      timestamp
      properties: propertiesText
      receivedAt
      batchId
      correctedBy
      corrects {
        idempotencyKey
        replaces
      }
    }
  }
`);

export const EVENT = graphql(/* GraphQL */ `
  query Event($key: String!) {
    event(idempotencyKey: $key) {
      idempotencyKey
      type
      customer: customerKey
      timestamp
      properties: propertiesText
      receivedAt
      batchId
      correctedBy
      corrects {
        idempotencyKey
        replaces
      }
    }
  }
`);

export type UsageEvent = RecentEventsQuery['recentEvents'][number];
