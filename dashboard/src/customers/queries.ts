import type { CustomerQuery, CustomersQuery, SubscriptionsQuery } from '../api/generated';
import { graphql } from '../api/graphql';
import { STEP_PARTS } from '../invoices/queries';

export const CUSTOMERS = graphql(/* GraphQL */ `
  query Customers($first: Int!, $after: String, $search: String, $archived: Boolean! = false) {
    customers(first: $first, after: $after, search: $search, archived: $archived) {
      nodes {
        id
        key
        name
        email
        createdAt
        archivedAt
      }
      totalCount
      endCursor
      hasNextPage
    }
  }
`);

export const CUSTOMER = graphql(/* GraphQL */ `
  query Customer($key: String!) {
    customer(key: $key) {
      id
      key
      name
      email
      taxId
      address {
        line1
        line2
        postalCode
        city
        region
        country
      }
      createdAt
      archivedAt
    }
  }
`);

export const CREATE_CUSTOMERS = graphql(/* GraphQL */ `
  mutation CreateCustomers($input: [CreateCustomerInput!]!) {
    createCustomers(input: $input) {
      key
    }
  }
`);

export const UPDATE_CUSTOMER = graphql(/* GraphQL */ `
  mutation UpdateCustomer($input: UpdateCustomerInput!) {
    updateCustomer(input: $input) {
      key
    }
  }
`);

export const ARCHIVE_CUSTOMER = graphql(/* GraphQL */ `
  mutation ArchiveCustomer($key: String!) {
    archiveCustomer(key: $key) {
      key
    }
  }
`);

export const UNARCHIVE_CUSTOMER = graphql(/* GraphQL */ `
  mutation UnarchiveCustomer($key: String!) {
    unarchiveCustomer(key: $key) {
      key
    }
  }
`);

export const CREATE_CUSTOMER_TOKEN = graphql(/* GraphQL */ `
  mutation CreateCustomerToken($customer: String!, $expiresIn: Int) {
    createCustomerToken(customer: $customer, expiresIn: $expiresIn) {
      token
      expiresAt
    }
  }
`);

export const SUBSCRIPTIONS = graphql(/* GraphQL */ `
  query Subscriptions($customer: String, $first: Int!, $after: String) {
    subscriptions(customer: $customer, first: $first, after: $after) {
      nodes {
        id
        customer: customerKey
        planKey
        planVersionId
        status
        start
        end
        trialEnd
        interval
        anchorDay
        anchorMonth
        creditUnused
        timeZone
        versions {
          from
          to
          paused
          planKey
          planVersionId
        }
        warnings {
          message
          rule
        }
      }
      totalCount
      endCursor
      hasNextPage
    }
  }
`);

export const CREATE_SUBSCRIPTIONS = graphql(/* GraphQL */ `
  mutation CreateSubscriptions($input: [CreateSubscriptionInput!]!) {
    createSubscriptions(input: $input) {
      id
      warnings {
        message
      }
    }
  }
`);

export const CHANGE_PLAN = graphql(/* GraphQL */ `
  mutation ChangePlan($input: ChangePlanInput!) {
    changePlan(input: $input) {
      id
    }
  }
`);

export const CANCEL_PLAN_CHANGE = graphql(/* GraphQL */ `
  mutation CancelPlanChange($subscriptionId: ID!) {
    cancelPlanChange(subscriptionId: $subscriptionId) {
      id
    }
  }
`);

export const END_SUBSCRIPTION = graphql(/* GraphQL */ `
  mutation EndSubscription($input: EndSubscriptionInput!) {
    endSubscription(input: $input) {
      id
    }
  }
`);

export const UNDO_END_SUBSCRIPTION = graphql(/* GraphQL */ `
  mutation UndoEndSubscription($subscriptionId: ID!) {
    undoEndSubscription(subscriptionId: $subscriptionId) {
      id
    }
  }
`);

export const PAUSE_SUBSCRIPTION = graphql(/* GraphQL */ `
  mutation PauseSubscription($input: PauseSubscriptionInput!) {
    pauseSubscription(input: $input) {
      id
    }
  }
`);

export const RESUME_SUBSCRIPTION = graphql(/* GraphQL */ `
  mutation ResumeSubscription($input: PauseSubscriptionInput!) {
    resumeSubscription(input: $input) {
      id
    }
  }
`);

export const CURRENT_USAGE = graphql(/* GraphQL */ `
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
`);

/** The running period's invoice as it would be if the period ended now: fees, discounts and taxes included. */
export const PREVIEW = graphql(
  /* GraphQL */ `
    query Preview($customer: String!, $quantities: [AssumedQuantityInput!], $subscriptionId: ID) {
      preview(customer: $customer, quantities: $quantities, subscriptionId: $subscriptionId) {
        subscriptionId
        customer
        currency
        periodStart
        periodEnd
        tax
        total
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
      }
    }
  `,
  STEP_PARTS,
);

export const MONEY = graphql(/* GraphQL */ `
  query CustomerMoney($customer: String!) {
    customerBalance(customer: $customer) {
      currency
      owed
      balance
      creditsLeft
    }
    creditGrants(customer: $customer) {
      id
      key
      name
      currency
      amount
      remaining
      expired
      priority
      expiresAt
      voidedAt
      createdAt
    }
    entitlement(customer: $customer) {
      allowed
      accrued
      remaining
      creditsLeft
      currency
    }
  }
`);

export const LEDGER = graphql(/* GraphQL */ `
  query Ledger($customer: String!, $first: Int!, $after: String) {
    ledger(customer: $customer, first: $first, after: $after) {
      nodes {
        id
        transactionId
        account
        amount
        currency
        kind
        invoiceId
        createdAt
      }
      totalCount
      endCursor
      hasNextPage
    }
  }
`);

export const CREATE_CREDIT_GRANT = graphql(/* GraphQL */ `
  mutation CreateCreditGrant($input: CreateCreditGrantInput!) {
    createCreditGrant(input: $input) {
      id
    }
  }
`);

export const VOID_CREDIT_GRANT = graphql(/* GraphQL */ `
  mutation VoidCreditGrant($id: ID!) {
    voidCreditGrant(id: $id) {
      id
    }
  }
`);

export const SET_HARD_STOP = graphql(/* GraphQL */ `
  mutation SetHardStop($customer: String!, $hardStop: Boolean!) {
    setHardStop(customer: $customer, hardStop: $hardStop) {
      hardStop
    }
  }
`);

export const EXTRAS = graphql(/* GraphQL */ `
  query SubscriptionExtras($subscriptionId: ID!) {
    appliedCoupons(subscriptionId: $subscriptionId) {
      coupon
      appliedAt
    }
    oneOffCharges(subscriptionId: $subscriptionId) {
      key
      name
      amount
      at
    }
  }
`);

export const APPLY_COUPON = graphql(/* GraphQL */ `
  mutation ApplyCoupon($input: ApplyCouponInput!) {
    applyCoupon(input: $input) {
      coupon
    }
  }
`);

export const CREATE_ONE_OFF = graphql(/* GraphQL */ `
  mutation CreateOneOffCharge($input: CreateOneOffChargeInput!) {
    createOneOffCharge(input: $input) {
      key
    }
  }
`);

export type CustomerRow = CustomersQuery['customers']['nodes'][number];
export type Customer = NonNullable<CustomerQuery['customer']>;
export type Subscription = SubscriptionsQuery['subscriptions']['nodes'][number];

/** A key is any string, even "a/b" or "..", so it is a query parameter and not a path segment. */
export function customerPath(key: string): string {
  return `/customers/detail?${new URLSearchParams({ key }).toString()}`;
}
