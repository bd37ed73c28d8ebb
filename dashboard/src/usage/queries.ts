import type { UsageReportQuery } from '../api/generated';
import { graphql } from '../api/graphql';

export const USAGE_REPORT = graphql(/* GraphQL */ `
  query UsageReport($input: UsageReportInput!) {
    usageReport(input: $input) {
      meter
      timeZone
      window
      from
      to
      previousFrom
      groups {
        customer
        others
        quantity
        eventCount
        previousQuantity
        change
        dimensions {
          name
          value
        }
        points {
          start
          end
          quantity
          eventCount
        }
      }
    }
  }
`);

export type UsageReport = UsageReportQuery['usageReport'];
export type UsageGroup = UsageReport['groups'][number];
