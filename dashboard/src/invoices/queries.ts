import type { InvoiceQuery, InvoicesQuery, RecomputeInvoiceMutation } from '../api/generated';
import { graphql } from '../api/graphql';

export const INVOICES = graphql(/* GraphQL */ `
  query Invoices($first: Int!, $after: String, $customer: String, $status: InvoiceStatus) {
    invoices(first: $first, after: $after, customer: $customer, status: $status) {
      nodes {
        id
        number
        customer: customerKey
        subscriptionId
        status
        currency
        periodStart
        periodEnd
        total
        amountDue
      }
      totalCount
      endCursor
      hasNextPage
    }
  }
`);

export const STEP_PARTS = graphql(/* GraphQL */ `
  fragment StepParts on ExplanationStep {
    label
    quantity
    unitPrice
    divisor
    amount
  }
`);

/** Explanations are at most this deep: a line's steps, those of a combination of dimensions, and those of its price. */
export const INVOICE = graphql(
  /* GraphQL */ `
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
        subtotal
        tax
        total
        amountDue
        creditsApplied
        balanceApplied
        createdAt
        finalizedAt
        paidAt
        paymentReference
        voidedAt
        voidReason
        reissues
        htmlUrl
        pdfUrl
        csvUrl
        creditNotes {
          id
          number
          amount
          tax
          reason
          createdAt
        }
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
          span {
            start
            end
          }
          explanation {
            ...StepParts
            children {
              ...StepParts
              children {
                ...StepParts
              }
            }
          }
        }
        certificate {
          planVersionHash
          planVersionHashes
          engineVersion
          resultHash
        }
      }
    }
  `,
  STEP_PARTS,
);

/** Where the differences of a final invoice went: the correction lines of later invoices of the same customer. */
export const CORRECTIONS = graphql(/* GraphQL */ `
  query Corrections($customer: String!) {
    invoices(customer: $customer, first: 50) {
      nodes {
        id
        number
        status
        lines {
          charge
          amount
          adjusts {
            id
          }
        }
      }
    }
  }
`);

export const RECOMPUTE = graphql(/* GraphQL */ `
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
`);

export const LINE_EVENTS = graphql(/* GraphQL */ `
  query InvoiceLineEvents($invoiceId: ID!, $ordinal: Int!, $first: Int!, $after: String) {
    invoiceLineEvents(invoiceId: $invoiceId, ordinal: $ordinal, first: $first, after: $after) {
      nodes {
        idempotencyKey
        type
        timestamp
        receivedAt
        properties
      }
      totalCount
      endCursor
      hasNextPage
    }
  }
`);

export const FINALIZE = graphql(/* GraphQL */ `
  mutation FinalizeInvoice($id: ID!) {
    finalizeInvoice(id: $id) {
      id
      status
    }
  }
`);

export const FINALIZE_MANY = graphql(/* GraphQL */ `
  mutation FinalizeInvoices($ids: [ID!], $through: DateTime) {
    finalizeInvoices(ids: $ids, through: $through) {
      left
      results {
        id
        number
        outcome
      }
    }
  }
`);

export const VOID_INVOICE = graphql(/* GraphQL */ `
  mutation VoidInvoice($id: ID!, $reason: String!) {
    voidInvoice(id: $id, reason: $reason) {
      id
    }
  }
`);

export const REISSUE = graphql(/* GraphQL */ `
  mutation ReissueInvoice($id: ID!) {
    reissueInvoice(id: $id) {
      id
    }
  }
`);

export const CREATE_CREDIT_NOTE = graphql(/* GraphQL */ `
  mutation CreateCreditNote($input: CreateCreditNoteInput!) {
    createCreditNote(input: $input) {
      number
    }
  }
`);

export const MARK_PAID = graphql(/* GraphQL */ `
  mutation MarkInvoicePaid($id: ID!, $at: DateTime, $reference: String) {
    markInvoicePaid(id: $id, at: $at, reference: $reference) {
      id
    }
  }
`);

export const MARK_UNPAID = graphql(/* GraphQL */ `
  mutation MarkInvoiceUnpaid($id: ID!) {
    markInvoiceUnpaid(id: $id) {
      id
    }
  }
`);

export type InvoiceSummary = InvoicesQuery['invoices']['nodes'][number];
export type Invoice = NonNullable<InvoiceQuery['invoice']>;
export type InvoiceLine = Invoice['lines'][number];
export type Recomputation = RecomputeInvoiceMutation['recomputeInvoice'];
type DeepStep = InvoiceLine['explanation'][number];
export type ExplanationStep = Omit<DeepStep, 'children'> & { children?: readonly ExplanationStep[] };
