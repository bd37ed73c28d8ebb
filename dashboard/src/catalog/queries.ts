export const METERS = /* GraphQL */ `
  query Meters {
    meters {
      id
      key
      name
      eventType
      aggregation
      property
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
    }
  }
`;

export const PLANS = /* GraphQL */ `
  query Plans {
    plans {
      id
      key
      name
      currency
      interval
      current {
        id
      }
      versions {
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
        }
      }
    }
  }
`;
