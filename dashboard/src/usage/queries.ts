/** Total and timeline in one request, so that they are consistent and the bars add up to the total. */
export const USAGE = /* GraphQL */ `
  query Usage($meter: String!, $from: DateTime!, $to: DateTime!, $window: UsageWindow!, $customer: String) {
    usage(meter: $meter, from: $from, to: $to, customer: $customer) {
      quantity
      eventCount
    }
    usageTimeline(meter: $meter, from: $from, to: $to, window: $window, customer: $customer) {
      start
      quantity
      eventCount
    }
  }
`;
