export const INVOICES = /* GraphQL */ `
  query Invoices($first: Int!, $after: String, $customer: String, $status: InvoiceStatus) {
    invoices(first: $first, after: $after, customer: $customer, status: $status) {
      nodes {
        id
        number
        customer: customerKey
        status
        currency
        periodStart
        periodEnd
        total
      }
      totalCount
      endCursor
      hasNextPage
    }
  }
`;

export const INVOICE = /* GraphQL */ `
  query Invoice($id: ID!) {
    invoice(id: $id) {
      id
      number
      customer: customerKey
      subscriptionId
      status
      currency
      periodStart
      periodEnd
      total
      createdAt
      finalizedAt
      lines {
        charge
        name
        meter
        quantity
        unroundedAmount
        amount
        eventCount
        eventDigest
        kind
        adjusts {
          id
          number
        }
        explanation {
          label
          quantity
          unitPrice
          amount
        }
      }
      certificate {
        planVersionHash
        engineVersion
        resultHash
      }
    }
  }
`;

export const RECOMPUTE = /* GraphQL */ `
  mutation RecomputeInvoice($id: ID!) {
    recomputeInvoice(id: $id) {
      invoiceId
      identical
      resultHash
      recomputedHash
      differences {
        charge
        field
        stored
        recomputed
      }
    }
  }
`;

export const FINALIZE = /* GraphQL */ `
  mutation FinalizeInvoice($id: ID!) {
    finalizeInvoice(id: $id) {
      id
      status
    }
  }
`;
