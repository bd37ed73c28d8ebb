import type { PortalInvoicesQuery } from '../api/generated';
import { graphql } from '../api/graphql';

export const PORTAL_USAGE = graphql(/* GraphQL */ `
  query PortalUsage {
    portal {
      customer {
        name
      }
      currentUsage {
        subscriptionId
        charge
        meter
        periodStart
        periodEnd
        quantity
        amount
        currency
      }
      subscriptions(first: 50) {
        nodes {
          id
          planKey
          timeZone
        }
      }
    }
  }
`);

export const PORTAL_INVOICES = graphql(/* GraphQL */ `
  query PortalInvoices($first: Int!, $after: String) {
    portal {
      subscriptions(first: 50) {
        nodes {
          id
          timeZone
        }
      }
      invoices(first: $first, after: $after) {
        nodes {
          id
          number
          status
          currency
          periodStart
          periodEnd
          total
          tax
          pdfUrl
          lines {
            name
            kind
            quantity
            amount
            explanation {
              label
              quantity
              unitPrice
              divisor
              amount
              children {
                label
                quantity
                unitPrice
                divisor
                amount
              }
            }
          }
        }
        endCursor
        hasNextPage
      }
    }
  }
`);

export type PortalInvoice = NonNullable<PortalInvoicesQuery['portal']['invoices']>['nodes'][number];
