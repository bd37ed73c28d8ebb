import { graphql } from '../api/graphql';

export const THRESHOLDS = graphql(/* GraphQL */ `
  query Thresholds($archived: Boolean!) {
    thresholds(archived: $archived) {
      key
      name
      on
      meter
      charge
      currency
      plan
      customer
      values
      createdAt
      archivedAt
    }
  }
`);

export const CROSSINGS = graphql(/* GraphQL */ `
  query ThresholdCrossings($first: Int!, $after: String) {
    thresholdCrossings(first: $first, after: $after) {
      nodes {
        eventId
        customer
        subscriptionId
        periodStart
        periodEnd
        crossedAt
        value
        reached
        threshold {
          key
          name
          on
          currency
        }
      }
      totalCount
      endCursor
      hasNextPage
    }
  }
`);

export const CREATE_THRESHOLD = graphql(/* GraphQL */ `
  mutation CreateThreshold($input: CreateThresholdInput!) {
    createThreshold(input: $input) {
      key
    }
  }
`);

export const UPDATE_THRESHOLD = graphql(/* GraphQL */ `
  mutation UpdateThreshold($input: UpdateThresholdInput!) {
    updateThreshold(input: $input) {
      key
    }
  }
`);

export const ARCHIVE_THRESHOLD = graphql(/* GraphQL */ `
  mutation ArchiveThreshold($key: String!) {
    archiveThreshold(key: $key) {
      key
    }
  }
`);

export const COUPONS = graphql(/* GraphQL */ `
  query Coupons($first: Int!, $after: String) {
    coupons(first: $first, after: $after) {
      nodes {
        key
        name
        percent
        amount
        currency
        periods
        createdAt
      }
      totalCount
      endCursor
      hasNextPage
    }
  }
`);

export const CREATE_COUPON = graphql(/* GraphQL */ `
  mutation CreateCoupon($input: CreateCouponInput!) {
    createCoupon(input: $input) {
      key
    }
  }
`);
