import type { MetersQuery, PlansQuery } from '../api/generated';
import { graphql } from '../api/graphql';

const METER_PARTS = graphql(/* GraphQL */ `
  fragment MeterParts on Meter {
    id
    key
    name
    eventType
    aggregation
    property
    dimensions
    filters {
      property
      equals
    }
    eventFee {
      percent
      fixed
      minimum
      maximum
    }
    createdAt
    archivedAt
  }
`);

export const METERS = graphql(
  /* GraphQL */ `
    query Meters($archived: Boolean! = false) {
      meters(archived: $archived) {
        ...MeterParts
      }
    }
  `,
  METER_PARTS,
);

export const CREATE_METER = graphql(/* GraphQL */ `
  mutation CreateMeter($input: CreateMeterInput!) {
    createMeter(input: $input) {
      key
    }
  }
`);

export const ARCHIVE_METER = graphql(/* GraphQL */ `
  mutation ArchiveMeter($key: String!) {
    archiveMeter(key: $key) {
      key
    }
  }
`);

export const UNARCHIVE_METER = graphql(/* GraphQL */ `
  mutation UnarchiveMeter($key: String!) {
    unarchiveMeter(key: $key) {
      key
    }
  }
`);

const PRICE_PARTS = graphql(/* GraphQL */ `
  fragment PriceParts on Price {
    model
    amount
    unitPrice
    tiers {
      upTo
      unitPrice
      flatFee
      percent
      packageSize
    }
    packageSize
    packagePrice
    packageRounding
    freeUnits
    percent
    feePerEvent
    freeAmount
    freeEvents
    flatFeeAtZero
  }
`);

/** Everything of a version that costs money. */
const VERSION_PARTS = graphql(/* GraphQL */ `
  fragment VersionParts on PlanVersion {
    id
    number
    status
    hash
    publishedAt
    charges {
      key
      name
      meter
      price {
        ...PriceParts
      }
      dimensionPrices {
        values
        price {
          ...PriceParts
        }
      }
      includedUnits
      minimum
      maximum
      discounts {
        key
        name
        percent
        amount
      }
      proration
      timing
    }
    terms {
      commitment {
        amount
        overageFactor
      }
      minimum
      maximum
      discounts {
        key
        name
        percent
        amount
      }
      taxMode
      taxes {
        key
        name
        percent
      }
      proration
    }
  }
`);

export const PLANS = graphql(
  /* GraphQL */ `
    query Plans($archived: Boolean! = false) {
      plans(archived: $archived) {
        id
        key
        name
        currency
        interval
        archivedAt
        current {
          id
        }
        versions {
          ...VersionParts
        }
      }
    }
  `,
  VERSION_PARTS,
  PRICE_PARTS,
);

export const CREATE_PLAN = graphql(/* GraphQL */ `
  mutation CreatePlan($input: CreatePlanInput!) {
    createPlan(input: $input) {
      key
    }
  }
`);

export const CREATE_PLAN_VERSION = graphql(/* GraphQL */ `
  mutation CreatePlanVersion($planKey: String!, $charges: [ChargeInput!]!, $terms: PlanTermsInput) {
    createPlanVersion(planKey: $planKey, charges: $charges, terms: $terms) {
      id
      number
    }
  }
`);

export const PUBLISH_PLAN_VERSION = graphql(/* GraphQL */ `
  mutation PublishPlanVersion($id: ID!) {
    publishPlanVersion(id: $id) {
      id
    }
  }
`);

export const ARCHIVE_PLAN_VERSION = graphql(/* GraphQL */ `
  mutation ArchivePlanVersion($id: ID!) {
    archivePlanVersion(id: $id) {
      id
    }
  }
`);

export const ARCHIVE_PLAN = graphql(/* GraphQL */ `
  mutation ArchivePlan($key: String!) {
    archivePlan(key: $key) {
      key
    }
  }
`);

export const UNARCHIVE_PLAN = graphql(/* GraphQL */ `
  mutation UnarchivePlan($key: String!) {
    unarchivePlan(key: $key) {
      key
    }
  }
`);

export const RENAME_PLAN = graphql(/* GraphQL */ `
  mutation RenamePlan($key: String!, $name: String!) {
    renamePlan(key: $key, name: $name) {
      key
    }
  }
`);

export const WHAT_IF = graphql(/* GraphQL */ `
  query WhatIf($planVersionId: ID!, $from: DateTime!, $to: DateTime!, $after: String) {
    whatIf(planVersionId: $planVersionId, from: $from, to: $to, first: 20, after: $after) {
      currency
      totalNow
      totalThen
      winners
      losers
      unchanged
      hasNextPage
      endCursor
      periods {
        difference
        now {
          customer
          subscriptionId
          periodStart
          periodEnd
          total
        }
        then {
          total
        }
      }
    }
  }
`);

export type Meter = MetersQuery['meters'][number];
export type EventFee = NonNullable<Meter['eventFee']>;
export type Plan = PlansQuery['plans'][number];
export type PlanVersion = Plan['versions'][number];
export type Charge = PlanVersion['charges'][number];
export type Terms = PlanVersion['terms'];
export type Price = Charge['price'];
export type Tier = NonNullable<Price['tiers']>[number];
export type Discount = Charge['discounts'][number];
