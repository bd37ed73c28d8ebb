/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { Document, FragmentText } from './graphql';
/** An invitation, and who accepts it. */
export type AcceptInvitationInput = {
  /** The code of the account's second factor, if it has one. */
  code?: string | null | undefined;
  /** The password of the account with the invitation's e-mail address; if there is none, it is created with this password. */
  password: string;
  /** The invitation's token. */
  token: string;
};

/** Which coupon a subscription gets, and since when. */
export type ApplyCouponInput = {
  /** The time whose billing period is the first one with the coupon. Default: now. */
  at?: string | null | undefined;
  /** The coupon's key. */
  coupon: string;
  /** The subscription's id. */
  subscriptionId: string;
};

/** A quantity that replaces a meter's usage. */
export type AssumedQuantityInput = {
  /** The number of events, which matters to prices with a fee of each event. Default: 0. */
  eventCount?: number | null | undefined;
  /** The meter's key. */
  meter: string;
  /** The quantity, by the meter's aggregation. */
  quantity: string;
};

/** The days on which periods begin: like the day that billing starts on, or the calendar's own. */
export type BillingAnchor =
  /** Periods begin on days like the one on which billing starts. */
  | 'ANNIVERSARY'
  /** Periods begin with the calendar's weeks, months, quarters or years. */
  | 'CALENDAR';

/** For how long the amounts of a plan are stated. */
export type BillingInterval =
  /** A month. */
  | 'MONTH';

/** Whether a flat fee is invoiced with its own period or with the one before. Stored as a number: only append. */
export type BillingTiming =
  /** Before its period, with the usage of the period before. */
  | 'ADVANCE'
  /** After its period, with the period's usage. */
  | 'ARREARS';

/** A change of plan: either to a plan's current version or to a certain version, now unless a time is given. */
export type ChangePlanInput = {
  /** When the change takes effect. Default: now. */
  at?: string | null | undefined;
  /** Whether it takes effect at the end of the current period. Default: false. */
  atPeriodEnd?: boolean | null | undefined;
  /** The key of a plan, for its current version. */
  plan?: string | null | undefined;
  /** The id of a plan version. */
  planVersionId?: string | null | undefined;
  /** The subscription's id. */
  subscriptionId: string;
};

/** One item that a plan charges for. Everything but a flat fee has a meter. */
export type ChargeInput = {
  /** Prices of combinations of the meter's dimension values, at most 200. */
  dimensionPrices?: Array<DimensionPriceInput> | null | undefined;
  /** Off the priced amount, before minimum and maximum; each is applied to what the earlier ones left. */
  discounts?: Array<DiscountInput> | null | undefined;
  /** Units that are taken off the quantity before it is priced. */
  includedUnits?: string | null | undefined;
  /** The charge's key, unique in the version. */
  key: string;
  /** The charge's amount in a period is at most this. */
  maximum?: string | null | undefined;
  /** The key of the meter whose quantity is priced; none for a flat fee. */
  meter?: string | null | undefined;
  /** The charge's amount in a period is at least this. */
  minimum?: string | null | undefined;
  /** Shown on invoices. Default: the key. */
  name?: string | null | undefined;
  /** The price. With dimensionPrices, that of every combination of values that has none of its own. */
  price: PriceInput;
  /** Of a flat fee, minimum and maximum: what a shortened period costs. Default: as the version's terms say. */
  proration?: Proration | null | undefined;
  /** Of a flat fee: whether it is invoiced before its period or after. Default: ARREARS. */
  timing?: BillingTiming | null | undefined;
};

/** Usage worth an amount is due in any period; usage beyond it may have another price. */
export type CommitmentInput = {
  /** The amount of a period. */
  amount: string;
  /** Factor on the price of usage beyond the commitment; 1 by default. */
  overageFactor?: string | null | undefined;
};

/** A key to create. */
export type CreateApiKeyInput = {
  /** Whether the key may send events older than the usual limit. Default: false. */
  backfill?: boolean | null | undefined;
  /** When the key stops working by itself. Default: never. */
  expiresAt?: string | null | undefined;
  /** What people call the key. */
  name: string;
  /** What the key may do: one or more of ingest, read, admin. */
  scopes: Array<string>;
};

/** A coupon to create: either a percentage, or an amount with its currency. */
export type CreateCouponInput = {
  /** Amount that it takes off in each period. */
  amount?: string | null | undefined;
  /** ISO 4217 code of the amount; only with an amount. */
  currency?: string | null | undefined;
  /** The org's own key of the coupon, unique in the org. */
  key: string;
  /** Shown on invoices. Default: the key. */
  name?: string | null | undefined;
  /** Percentage that it takes off: 10 for 10 %. */
  percent?: string | null | undefined;
  /** The number of billing periods that it is valid for. Default: all. */
  periods?: number | null | undefined;
};

/** Prepaid credits to grant. */
export type CreateCreditGrantInput = {
  /** What is granted, above 0. */
  amount: string;
  /** ISO 4217 code of the amount. */
  currency: string;
  /** The customer's key. */
  customer: string;
  /** When what is left expires. Default: never. */
  expiresAt?: string | null | undefined;
  /** The org's own key of the grant, unique in the customer: the same again returns the grant as it is. */
  key: string;
  /** What people call the grant. Default: the key. */
  name?: string | null | undefined;
  /** When it is drawn: lower ones first, 0 to 1,000. Default: 0. */
  priority?: number | null | undefined;
};

/** What to take back of a final invoice: either parts of its lines, or an amount of the whole. */
export type CreateCreditNoteInput = {
  /** The amount, with tax. */
  amount?: string | null | undefined;
  /** The invoice's id. */
  invoiceId: string;
  /** The org's own key, unique in the invoice: with it, the same again returns the note as it is. */
  key?: string | null | undefined;
  /** The parts of its lines. */
  lines?: Array<CreditedLineInput> | null | undefined;
  /** Why; shown on the credit note. */
  reason: string;
};

/** A customer to create. */
export type CreateCustomerInput = {
  /** As invoices show it. */
  address?: PostalAddressInput | null | undefined;
  /** The customer's e-mail address, at most 254 characters. */
  email?: string | null | undefined;
  /** The org's own key of the customer, unique in the org. The same customer again is returned as it is. */
  key: string;
  /** The customer's name as invoices show it. Default: the key. */
  name?: string | null | undefined;
  /** As invoices show it; at most 64 characters. */
  taxId?: string | null | undefined;
};

/** Whom to invite into the caller's org. */
export type CreateInvitationInput = {
  /** The e-mail address of the person; only the account with this address can accept. */
  email: string;
  /** For how many seconds the invitation can be accepted: at most 30 days, a week by default. */
  expiresIn?: number | null | undefined;
  /** The role that the person gets: owner, admin, billing or viewer. */
  role: string;
};

/** A meter to create. It cannot be changed later. */
export type CreateMeterInput = {
  /** How the events of a time become a quantity. */
  aggregation: MeterAggregation;
  /** Properties by which usage is grouped, at most two; a charge may have a price for each combination of values. */
  dimensions?: Array<string> | null | undefined;
  /** SUM only: the meter adds up a fee of each event in place of the property, which is an amount of money. */
  eventFee?: EventFeeInput | null | undefined;
  /** The type of the events that it counts. */
  eventType: string;
  /** What an event must fulfil to be counted, all of them. */
  filters?: Array<MeterFilterInput> | null | undefined;
  /** The org's own key of the meter, unique in the org. The same meter again is returned as it is. */
  key: string;
  /** What people call the meter. Default: the key. */
  name?: string | null | undefined;
  /** The property of the events that is aggregated; needed by all but COUNT. An event without a usable value is not counted. */
  property?: string | null | undefined;
};

/** An address to create. */
export type CreateNotificationAddressInput = {
  /** Whose it is or what for. */
  description?: string | null | undefined;
  /** The e-mail address. */
  email: string;
  /** The event types that it gets; at least one. */
  eventTypes: Array<string>;
};

/** A charge to put on one invoice of a subscription. */
export type CreateOneOffChargeInput = {
  /** What is charged, in the subscription's currency; negative for a credit. */
  amount: string;
  /** The time whose billing period's invoice gets the charge. Default: now. */
  at?: string | null | undefined;
  /** Unique in the subscription: the same charge again changes nothing. */
  key: string;
  /** Shown on the invoice. Default: the key. */
  name?: string | null | undefined;
  /** The subscription's id. */
  subscriptionId: string;
};

/** A plan to create, with its first version. */
export type CreatePlanInput = {
  /** What the first version charges for, 1 to 100 of them. */
  charges: Array<ChargeInput>;
  /** ISO 4217 code of the plan's currency, which all of its versions have. */
  currency: string;
  /** For how long the amounts of the plan are stated. */
  interval: BillingInterval;
  /** The org's own key of the plan, unique in the org. */
  key: string;
  /** What people call the plan. */
  name: string;
  /** Whether the first version is published at once. Default: false. */
  publish?: boolean | null | undefined;
  /** The terms of the invoice as a whole. Default: none. */
  terms?: PlanTermsInput | null | undefined;
};

/** A subscription to create. */
export type CreateSubscriptionInput = {
  /** Default: ANNIVERSARY. */
  anchor?: BillingAnchor | null | undefined;
  /** Day of the month, or, of a week, 1 (Monday) to 7. Default: that of the day on which billing starts. Not with CALENDAR. */
  anchorDay?: number | null | undefined;
  /** A month in which a year or quarter begins, 1 to 12. Default: that in which billing starts. */
  anchorMonth?: number | null | undefined;
  /** Allows a start more than a year ago. */
  confirmBackdate?: boolean | null | undefined;
  /** The customer's key. */
  customer: string;
  /** When it ends, exclusive. Default: never. */
  end?: string | null | undefined;
  /** Default: MONTH. */
  interval?: SubscriptionInterval | null | undefined;
  /** The key of the plan; the subscription gets its current version. */
  plan: string;
  /** When the subscription starts. */
  start: string;
  /** IANA. Default: UTC. */
  timeZone?: string | null | undefined;
  /** Instead of trialEnd: the trial's days from the start, 1 to 730. */
  trialDays?: number | null | undefined;
  /** When billing starts. Usage before it is not billed. */
  trialEnd?: string | null | undefined;
};

/** A threshold to create. */
export type CreateThresholdInput = {
  /** With INCLUDED_PERCENT: the charge's key. */
  charge?: string | null | undefined;
  /** With AMOUNT or BALANCE: only subscriptions in this currency. */
  currency?: string | null | undefined;
  /** Only this customer's subscriptions. Not together with a plan. */
  customer?: string | null | undefined;
  /** The org's own key of the threshold, unique in the org. */
  key: string;
  /** With QUANTITY: the meter's key. */
  meter?: string | null | undefined;
  /** Default: the key. */
  name?: string | null | undefined;
  /** What the values are of. */
  on: ThresholdOn;
  /** Only subscriptions on this plan. */
  plan?: string | null | undefined;
  /** 1 to 10 values: above 0, units of the meter, percent of the included units, or amounts; or credits that are left. */
  values: Array<string>;
};

/** An endpoint to create. */
export type CreateWebhookEndpointInput = {
  /** What the endpoint is for, for people. */
  description?: string | null | undefined;
  /** The event types that it gets; none for all, also those to come. */
  eventTypes?: Array<string> | null | undefined;
  /** Whether an event is sent only once those before it were delivered, or were given up. Default: false. */
  inOrder?: boolean | null | undefined;
  /** An https:// URL at a public address. */
  url: string;
};

/** A part of a line of the invoice, without a tax that the invoice adds to it: the tax follows in proportion. */
export type CreditedLineInput = {
  /** The amount to take back, above 0. */
  amount: string;
  /** The line's place on the invoice, from 0. */
  ordinal: number;
};

/** How something is delivered. */
export type DeliveryChannel =
  /** Sent as a mail. */
  | 'EMAIL'
  /** Posted to an endpoint. */
  | 'WEBHOOK';

/** What became of a delivery. */
export type DeliveryStatus =
  /** The receiver has accepted it. */
  | 'DELIVERED'
  /** It was given up, after a day of tries or because no further one would help. */
  | 'FAILED'
  /** It is to be sent, for the first time or again. */
  | 'WAITING';

/** The price of usage with these dimension values. */
export type DimensionPriceInput = {
  /** The price of this usage. */
  price: PriceInput;
  /** In the order of the meter's dimensions; empty for events without the property. */
  values: Array<string>;
};

/** A discount. Exactly one of percent and amount is set. */
export type DiscountInput = {
  /** Amount that it takes off. */
  amount?: string | null | undefined;
  /** The discount's key, unique where it stands. */
  key: string;
  /** Shown on invoices. Default: the key. */
  name?: string | null | undefined;
  /** Percentage that it takes off: 10 for 10 %. */
  percent?: string | null | undefined;
};

/** The kind of a difference. */
export type DriftKind =
  /** A customer's aggregate of a meter differed from the stored events. */
  | 'AGGREGATE'
  /** A bucket's count or digest differed from the sum of the applied batches. */
  | 'BUCKET'
  /** Stored batches had not been applied. */
  | 'LOST_BATCHES';

/** When a subscription is to end: now unless a time is given. */
export type EndSubscriptionInput = {
  /** When it ends. Default: now. */
  at?: string | null | undefined;
  /** Of the current period, or of the trial. */
  atPeriodEnd?: boolean | null | undefined;
  /** Default: true. With false, fees in advance of time after the end are not credited. */
  credit?: boolean | null | undefined;
  /** The subscription's id. */
  subscriptionId: string;
};

/** A fee of each event whose property is an amount of money. docs/meters.md has the rule and its rounding. */
export type EventFeeInput = {
  /** Added to it. */
  fixed?: string | null | undefined;
  /** The fee of an event is at most this. */
  maximum?: string | null | undefined;
  /** The fee of an event is at least this. */
  minimum?: string | null | undefined;
  /** Percentage of the property's value: 2.9 for 2.9 %. */
  percent: string;
};

/** How a printed figure separates decimals and groups of three digits. */
export type FigureStyle =
  /** Like 1'234.56. */
  | 'APOSTROPHE'
  /** Like 1.234,56. */
  | 'COMMA'
  /** Like 1234.56. */
  | 'PLAIN'
  /** Like 1,234.56. */
  | 'POINT'
  /** Like 1 234,56, with a no-break space. */
  | 'SPACE';

/** What became of an invoice that was to be finalized. */
export type FinalizeOutcome =
  /** It is final now. */
  | 'FINALIZED'
  /** It was final before, or is void. */
  | 'NOT_A_DRAFT'
  /** The org has no such invoice. */
  | 'NOT_FOUND'
  /** More usage arrived; the draft is being replaced and can be finalized in a moment. */
  | 'STALE';

/** What a line of an invoice is. */
export type InvoiceLineKind =
  /** A difference to a line of an earlier invoice; negative for a credit. */
  | 'ADJUSTMENT'
  /** A charge of the plan. */
  | 'CHARGE'
  /** What is missing to the plan's commitment. */
  | 'COMMITMENT'
  /** A discount; negative. */
  | 'DISCOUNT'
  /** What exceeds the plan's maximum; negative. */
  | 'MAXIMUM'
  /** What is missing to the plan's minimum. */
  | 'MINIMUM'
  /** A tax. */
  | 'TAX';

/** Where an invoice is in its life. */
export type InvoiceStatus =
  /** It can still change; nothing is due. */
  | 'DRAFT'
  /** It is final, has a number, and is due. */
  | 'FINALIZED'
  /** It is final, and nothing is due of it any more. */
  | 'PAID'
  /** It was final and was taken back as a whole; nothing is due. */
  | 'VOID';

/** How a meter turns the events of a time into a quantity. docs/adr/0006 describes how buckets are merged. Numbered as in plans.proto. */
export type MeterAggregation =
  /** Sum divided by count. */
  | 'AVERAGE'
  /** The number of events. */
  | 'COUNT'
  /** The value of the last event by timestamp; at the same microsecond, of the event with the greater hash. */
  | 'LATEST'
  /** The greatest value of a property; 0 without events. */
  | 'MAX'
  /** The least value of a property; 0 without events. */
  | 'MIN'
  /** The sum of a property. */
  | 'SUM'
  /** The number of distinct values of a property. */
  | 'UNIQUE_COUNT'
  /** Time-weighted average of a level that events change. A change lasts until the next one, also into the next period. */
  | 'WEIGHTED_SUM';

/** A condition on an event: only events that fulfil it are counted. */
export type MeterFilterInput = {
  /** The value that the property must have, as text. */
  equals: string;
  /** The name of the property. */
  property: string;
};

/** Whether mail goes to an address. */
export type NotificationAddressStatus =
  /** Mail goes there. */
  | 'ACTIVE'
  /** It was archived. */
  | 'ARCHIVED'
  /** Its server has refused it for good: nothing more is sent there until it is updated. */
  | 'BOUNCED'
  /** Somebody has followed the link in a mail: nothing more is sent there until it is updated. */
  | 'UNSUBSCRIBED';

/** Whether a started package is charged. Stored as a number: only append. */
export type PackageRounding =
  /** Only full packages are charged. */
  | 'DOWN'
  /** Every started package is charged. */
  | 'UP';

/** When a subscription is to pause, or go on: now unless a time is given. */
export type PauseSubscriptionInput = {
  /** When the pause begins or ends. Default: now. */
  at?: string | null | undefined;
  /** Of the current period, or of the trial. */
  atPeriodEnd?: boolean | null | undefined;
  /** The subscription's id. */
  subscriptionId: string;
};

/** The terms of the invoice as a whole, in the order of application: commitment, minimum, maximum, discounts, taxes. */
export type PlanTermsInput = {
  /** An amount that is due in any case. */
  commitment?: CommitmentInput | null | undefined;
  /** Taken off in order: each is applied to what the earlier ones left. */
  discounts?: Array<DiscountInput> | null | undefined;
  /** The charges of a period amount to at most this. */
  maximum?: string | null | undefined;
  /** The charges of a period amount to at least this. */
  minimum?: string | null | undefined;
  /** What a shortened period costs, where a charge does not say. Default: NONE. */
  proration?: Proration | null | undefined;
  /** Whether prices include tax. Default: EXCLUSIVE. */
  taxMode?: TaxMode | null | undefined;
  /** The taxes of the invoice. */
  taxes?: Array<TaxRateInput> | null | undefined;
};

/** What can be done with a version of a plan. */
export type PlanVersionStatus =
  /** It takes no new subscriptions; existing ones keep it. */
  | 'ARCHIVED'
  /** It is not published yet: nobody can subscribe to it. */
  | 'DRAFT'
  /** It never changes, and can be subscribed to. */
  | 'PUBLISHED';

/** An address, stated as a whole: parts that are left out are none. Each part has at most 200 characters. */
export type PostalAddressInput = {
  /** The name of the city. */
  city?: string | null | undefined;
  /** ISO 3166 alpha-2, in capital letters, such as DE. */
  country?: string | null | undefined;
  /** Street and number, or the like. */
  line1?: string | null | undefined;
  /** Anything more of it. */
  line2?: string | null | undefined;
  /** Printed before the city; at most 20 characters. */
  postalCode?: string | null | undefined;
  /** State, province or county. */
  region?: string | null | undefined;
};

/** A price: a model and the figures of this model, in major units of the currency. docs/pricing.md has examples of each. */
export type PriceInput = {
  /** FLAT: the fee of a period. */
  amount?: string | null | undefined;
  /** PERCENTAGE: a fee for each event that the meter counted. Default: 0. */
  feePerEvent?: string | null | undefined;
  /** GRADUATED, VOLUME and STAIR_STEP: whether the first tier's flat fee is due at a quantity of 0 too. Default: false. */
  flatFeeAtZero?: boolean | null | undefined;
  /** PERCENTAGE: taken off the amount first. Default: 0. */
  freeAmount?: string | null | undefined;
  /** PERCENTAGE: events without a fee. Default: 0. */
  freeEvents?: number | null | undefined;
  /** PACKAGE: units that are taken off the quantity first. Default: 0. */
  freeUnits?: string | null | undefined;
  /** How a quantity becomes an amount. */
  model: PriceModel;
  /** PACKAGE: the price of a package. */
  packagePrice?: string | null | undefined;
  /** PACKAGE: whether a package that is only begun is charged. Default: UP. */
  packageRounding?: PackageRounding | null | undefined;
  /** PACKAGE: the units of a package. */
  packageSize?: string | null | undefined;
  /** PERCENTAGE: percentage of the quantity, which is an amount of money: 2.9 for 2.9 %. */
  percent?: string | null | undefined;
  /** GRADUATED, VOLUME, STAIR_STEP and GRADUATED_PERCENTAGE: the tiers in ascending order, at most 100. */
  tiers?: Array<TierInput> | null | undefined;
  /** PER_UNIT: the price of a unit. */
  unitPrice?: string | null | undefined;
};

/** How a quantity becomes an amount; docs/pricing.md has a worked example of each. Stored as a number: only append. */
export type PriceModel =
  /** A fee of each period, whatever the usage. It has no meter. */
  | 'FLAT'
  /** Each unit has the price of the tier that it falls in. */
  | 'GRADUATED'
  /** Each part of an amount of money has the rate of the tier that it falls in. */
  | 'GRADUATED_PERCENTAGE'
  /** Every package of units is charged as a whole. */
  | 'PACKAGE'
  /** A share of the quantity, which is an amount of money, and a fee of each event. */
  | 'PERCENTAGE'
  /** Every unit costs the same. */
  | 'PER_UNIT'
  /** The flat fee of the tier that the whole quantity reaches. */
  | 'STAIR_STEP'
  /** All units have the price of the tier that the whole quantity reaches. */
  | 'VOLUME';

/** How amounts stated for a whole period apply to a shortened one. Stored as a number: only append. */
export type Proration =
  /** In proportion to its days, in the subscription's time zone, among those of the whole period. */
  | 'DAYS'
  /** In full. */
  | 'NONE'
  /** In proportion to its seconds among those of the whole period. */
  | 'SECONDS';

/** Width of a usage report's windows, in its time zone. */
export type ReportWindow =
  /** 23 to 25 hours, where clocks change. */
  | 'DAY'
  /** From one full hour of the zone to the next. An hour that clocks repeat is two windows, one that they skip is none. */
  | 'HOUR'
  /** From the first of a month to that of the next. */
  | 'MONTH'
  /** A quarter of an hour. */
  | 'QUARTER_HOUR'
  /** The whole time is one window. */
  | 'TOTAL'
  /** From Monday to Monday. */
  | 'WEEK';

/** A range of events to send to an endpoint again. */
export type ResendEventsInput = {
  /** The id of the endpoint that they are sent to. */
  endpointId: string;
  /** When the first was received. */
  from: string;
  /** When the last was received, exclusive. */
  to: string;
  /** Whether only what was not delivered there is sent. Default: true. */
  undeliveredOnly?: boolean | null | undefined;
};

/** A person and the org that they sign up. */
export type SignUpInput = {
  /** ISO 4217 code of the org's currency. Default: USD. */
  currency?: string | null | undefined;
  /** The person's e-mail address. They can sign in once it is proven. */
  email: string;
  /** The name of the new org. */
  orgName: string;
  /** The person's password. */
  password: string;
  /** Default: true. A sandbox has a test clock; with false the org is live and its time is real. It cannot be changed later. */
  sandbox?: boolean | null | undefined;
  /** IANA name of the org's time zone. Default: UTC. */
  timeZone?: string | null | undefined;
};

/** How often a subscription is billed. */
export type SubscriptionInterval =
  /** A month. */
  | 'MONTH'
  /** Three months. */
  | 'QUARTER'
  /** A week. */
  | 'WEEK'
  /** Twelve months. */
  | 'YEAR';

/** What a subscription is at a time of the org's clock. */
export type SubscriptionStatus =
  /** It runs and is billed. */
  | 'ACTIVE'
  /** It ends, or ended, before billing starts: there is no invoice. */
  | 'CANCELED'
  /** Its end has passed. */
  | 'ENDED'
  /** It runs, and nothing is charged. */
  | 'PAUSED'
  /** It starts later. */
  | 'SCHEDULED'
  /** It runs; billing starts later. */
  | 'TRIALING';

/** Whether prices include tax. Stored as a number: only append. */
export type TaxMode =
  /** Tax is added to prices. */
  | 'EXCLUSIVE'
  /** Prices include tax; the invoice says how much of it is tax. */
  | 'INCLUSIVE';

/** A tax of the invoice. */
export type TaxRateInput = {
  /** The tax's key, unique in the terms. */
  key: string;
  /** Shown on invoices. Default: the key. */
  name?: string | null | undefined;
  /** The rate: 19 for 19 %. */
  percent: string;
};

/** What a threshold is about, of a subscription's billing period. */
export type ThresholdOn =
  /** The total of the period's invoice if it ended now. */
  | 'AMOUNT'
  /** What the customer's prepaid credits have left once they pay what was used so far: its values are reached from above. */
  | 'BALANCE'
  /** The quantity of a charge, in percent of its included units. */
  | 'INCLUDED_PERCENT'
  /** The quantity of a meter. */
  | 'QUANTITY';

/** A range of quantities with one price. It begins where the tier before ends. */
export type TierInput = {
  /** Charged once when the tier is reached; of STAIR_STEP, the whole price. */
  flatFee?: string | null | undefined;
  /** GRADUATED and VOLUME: unitPrice is the price of each started package of this size within the tier. */
  packageSize?: string | null | undefined;
  /** GRADUATED_PERCENTAGE: percentage of the part of the amount that is in the tier. */
  percent?: string | null | undefined;
  /** GRADUATED and VOLUME: the price of a unit. */
  unitPrice?: string | null | undefined;
  /** The last quantity in the tier, inclusive; none for the last tier. */
  upTo?: string | null | undefined;
};

/** A field that is left out stays as it is; null clears it. */
export type UpdateCustomerInput = {
  /** As invoices show it. It is replaced as a whole. */
  address?: PostalAddressInput | null | undefined;
  /** At most 254 characters. */
  email?: string | null | undefined;
  /** Which customer. It keeps its key. */
  key: string;
  /** As invoices show it; at most 255 characters. Null: the key. */
  name?: string | null | undefined;
  /** As invoices show it; at most 64 characters. */
  taxId?: string | null | undefined;
};

/** A field that is left out stays as it is; null clears it. */
export type UpdateInvoiceSettingsInput = {
  /** Of headings and rules, as #rrggbb. Null: the default. */
  accentColor?: string | null | undefined;
  /** The seller's address. It is replaced as a whole. */
  address?: PostalAddressInput | null | undefined;
  /** Where the seller is asked about invoices; at most 254 characters. */
  email?: string | null | undefined;
  /** How figures are written. Null: POINT. */
  figures?: FigureStyle | null | undefined;
  /** Printed at the end, such as a register entry; at most 2,000 characters on 40 lines. */
  footer?: string | null | undefined;
  /** The seller; at most 255 characters. */
  legalName?: string | null | undefined;
  /** A PNG or JPEG file in base64: at most 262,144 bytes, and 2,000 pixels each way. Send it as a variable. */
  logo?: string | null | undefined;
  /** Printed below the total, such as how to pay; at most 2,000 characters on 40 lines. */
  note?: string | null | undefined;
  /** Days from finalization until an invoice is due, 0 to 365. Null: no date is printed. */
  paymentDays?: number | null | undefined;
  /** The seller's tax id; at most 64 characters. */
  taxId?: string | null | undefined;
  /** The page of an invoice in Liquid, at most 65,536 characters: loops, conditions and a few filters over what the built-in page shows. Null: the built-in one. Send it as a variable. */
  template?: string | null | undefined;
};

/** Changes of an address. What is not given stays as it is. Mail goes there again after a bounce or an unsubscription. */
export type UpdateNotificationAddressInput = {
  /** Whose it is or what for. */
  description?: string | null | undefined;
  /** The event types that it gets, in place of the former ones; at least one. */
  eventTypes?: Array<string> | null | undefined;
  /** The id of the entry to change. */
  id: string;
};

/** Changes of a threshold. What is not given stays as it is. */
export type UpdateThresholdInput = {
  /** Which threshold. It keeps its key. */
  key: string;
  /** What people call the threshold. */
  name?: string | null | undefined;
  /** In place of the former ones. Those that are crossed already stay crossed in their period. */
  values?: Array<string> | null | undefined;
};

/** Changes of an endpoint. What is not given stays as it is. */
export type UpdateWebhookEndpointInput = {
  /** What the endpoint is for, for people. */
  description?: string | null | undefined;
  /** The event types that it gets, in place of the former ones; an empty list for all. */
  eventTypes?: Array<string> | null | undefined;
  /** The id of the endpoint to change. */
  id: string;
  /** Whether an event is sent only once those before it were delivered, or were given up. */
  inOrder?: boolean | null | undefined;
  /** An https:// URL at a public address. */
  url?: string | null | undefined;
};

/** Only usage whose dimension has one of these values; an empty text is that of events without it. */
export type UsageFilterInput = {
  /** The name of a dimension of the meter. */
  dimension: string;
  /** The values, one of which the dimension must have. */
  in: Array<string>;
};

/** Which usage to report, and how to group it. */
export type UsageReportInput = {
  /** Also reads the period before: as many months before whole months, as many days before whole days, else exactly as long. */
  comparePrevious?: boolean | null | undefined;
  /** Only these customers, at most 1,000. */
  customers?: Array<string> | null | undefined;
  /** Only usage for which all of them hold. */
  filters?: Array<UsageFilterInput> | null | undefined;
  /** Inclusive; a multiple of 15 minutes. */
  from: string;
  /** CUSTOMER and dimensions of the meter. Default: one group. */
  groupBy?: Array<string> | null | undefined;
  /** The meter's key. */
  meter: string;
  /** IANA; the windows are cut in it. Default: UTC. */
  timeZone?: string | null | undefined;
  /** Exclusive; a multiple of 15 minutes. */
  to: string;
  /** Keeps this many groups, those with the largest quantity, and sums the others as one. For meters that count or sum. */
  top?: number | null | undefined;
  /** Width of the points. Default: TOTAL. */
  window?: ReportWindow | null | undefined;
};

/** Whether events are sent to an endpoint. */
export type WebhookEndpointStatus =
  /** It has ended for good; its deliveries can still be seen. */
  | 'ARCHIVED'
  /** Nothing is sent to it; see the reason. What waits goes on when it is enabled again. */
  | 'DISABLED'
  /** Events are sent to it. */
  | 'ENABLED';

export type MeterPartsFragment = { id: string, key: string, name: string, eventType: string, aggregation: MeterAggregation, property: string | null, dimensions: Array<string>, createdAt: string, archivedAt: string | null, filters: Array<{ property: string, equals: string }>, eventFee: { percent: string, fixed: string | null, minimum: string | null, maximum: string | null } | null };

export type MetersQueryVariables = Exact<{
  archived?: boolean;
}>;


export type MetersQuery = { meters: Array<MeterPartsFragment> };

export type CreateMeterMutationVariables = Exact<{
  input: CreateMeterInput;
}>;


export type CreateMeterMutation = { createMeter: { key: string } };

export type ArchiveMeterMutationVariables = Exact<{
  key: string;
}>;


export type ArchiveMeterMutation = { archiveMeter: { key: string } };

export type UnarchiveMeterMutationVariables = Exact<{
  key: string;
}>;


export type UnarchiveMeterMutation = { unarchiveMeter: { key: string } };

export type PricePartsFragment = { model: PriceModel, amount: string | null, unitPrice: string | null, packageSize: string | null, packagePrice: string | null, packageRounding: PackageRounding | null, freeUnits: string | null, percent: string | null, feePerEvent: string | null, freeAmount: string | null, freeEvents: number | null, flatFeeAtZero: boolean | null, tiers: Array<{ upTo: string | null, unitPrice: string, flatFee: string, percent: string | null, packageSize: string | null }> | null };

export type VersionPartsFragment = { id: string, number: number, status: PlanVersionStatus, hash: string, publishedAt: string | null, charges: Array<{ key: string, name: string, meter: string | null, includedUnits: string | null, minimum: string | null, maximum: string | null, proration: Proration | null, timing: BillingTiming | null, price: PricePartsFragment, dimensionPrices: Array<{ values: Array<string>, price: PricePartsFragment }>, discounts: Array<{ key: string, name: string, percent: string | null, amount: string | null }> }>, terms: { minimum: string | null, maximum: string | null, taxMode: TaxMode, proration: Proration, commitment: { amount: string, overageFactor: string } | null, discounts: Array<{ key: string, name: string, percent: string | null, amount: string | null }>, taxes: Array<{ key: string, name: string, percent: string }> } };

export type PlansQueryVariables = Exact<{
  archived?: boolean;
}>;


export type PlansQuery = { plans: Array<{ id: string, key: string, name: string, currency: string, interval: BillingInterval, archivedAt: string | null, current: { id: string } | null, versions: Array<VersionPartsFragment> }> };

export type CreatePlanMutationVariables = Exact<{
  input: CreatePlanInput;
}>;


export type CreatePlanMutation = { createPlan: { key: string } };

export type CreatePlanVersionMutationVariables = Exact<{
  planKey: string;
  charges: Array<ChargeInput> | ChargeInput;
  terms?: PlanTermsInput | null | undefined;
}>;


export type CreatePlanVersionMutation = { createPlanVersion: { id: string, number: number } };

export type PublishPlanVersionMutationVariables = Exact<{
  id: string;
}>;


export type PublishPlanVersionMutation = { publishPlanVersion: { id: string } };

export type ArchivePlanVersionMutationVariables = Exact<{
  id: string;
}>;


export type ArchivePlanVersionMutation = { archivePlanVersion: { id: string } };

export type ArchivePlanMutationVariables = Exact<{
  key: string;
}>;


export type ArchivePlanMutation = { archivePlan: { key: string } };

export type UnarchivePlanMutationVariables = Exact<{
  key: string;
}>;


export type UnarchivePlanMutation = { unarchivePlan: { key: string } };

export type RenamePlanMutationVariables = Exact<{
  key: string;
  name: string;
}>;


export type RenamePlanMutation = { renamePlan: { key: string } };

export type WhatIfQueryVariables = Exact<{
  planVersionId: string;
  from: string;
  to: string;
  after?: string | null | undefined;
}>;


export type WhatIfQuery = { whatIf: { currency: string, totalNow: string, totalThen: string, winners: number, losers: number, unchanged: number, hasNextPage: boolean, endCursor: string | null, periods: Array<{ difference: string, now: { customer: string, subscriptionId: string, periodStart: string, periodEnd: string, total: string }, then: { total: string } }> } };

export type CustomersQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
  search?: string | null | undefined;
  archived?: boolean;
}>;


export type CustomersQuery = { customers: { totalCount: number, endCursor: string | null, hasNextPage: boolean, nodes: Array<{ id: string, key: string, name: string, email: string | null, createdAt: string, archivedAt: string | null }> } };

export type CustomerQueryVariables = Exact<{
  key: string;
}>;


export type CustomerQuery = { customer: { id: string, key: string, name: string, email: string | null, taxId: string | null, createdAt: string, archivedAt: string | null, address: { line1: string | null, line2: string | null, postalCode: string | null, city: string | null, region: string | null, country: string | null } | null } | null };

export type CreateCustomersMutationVariables = Exact<{
  input: Array<CreateCustomerInput> | CreateCustomerInput;
}>;


export type CreateCustomersMutation = { createCustomers: Array<{ key: string }> };

export type UpdateCustomerMutationVariables = Exact<{
  input: UpdateCustomerInput;
}>;


export type UpdateCustomerMutation = { updateCustomer: { key: string } };

export type ArchiveCustomerMutationVariables = Exact<{
  key: string;
}>;


export type ArchiveCustomerMutation = { archiveCustomer: { key: string } };

export type UnarchiveCustomerMutationVariables = Exact<{
  key: string;
}>;


export type UnarchiveCustomerMutation = { unarchiveCustomer: { key: string } };

export type CreateCustomerTokenMutationVariables = Exact<{
  customer: string;
  expiresIn?: number | null | undefined;
}>;


export type CreateCustomerTokenMutation = { createCustomerToken: { token: string, expiresAt: string } };

export type SubscriptionsQueryVariables = Exact<{
  customer?: string | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type SubscriptionsQuery = { subscriptions: { totalCount: number, endCursor: string | null, hasNextPage: boolean, nodes: Array<{ id: string, planKey: string, planVersionId: string, status: SubscriptionStatus, start: string, end: string | null, trialEnd: string | null, interval: SubscriptionInterval, anchorDay: number, anchorMonth: number | null, creditUnused: boolean, timeZone: string, customer: string, versions: Array<{ from: string, to: string | null, paused: boolean, planKey: string, planVersionId: string }>, warnings: Array<{ message: string, rule: string }> }> } };

export type CreateSubscriptionsMutationVariables = Exact<{
  input: Array<CreateSubscriptionInput> | CreateSubscriptionInput;
}>;


export type CreateSubscriptionsMutation = { createSubscriptions: Array<{ id: string, warnings: Array<{ message: string }> }> };

export type ChangePlanMutationVariables = Exact<{
  input: ChangePlanInput;
}>;


export type ChangePlanMutation = { changePlan: { id: string } };

export type CancelPlanChangeMutationVariables = Exact<{
  subscriptionId: string;
}>;


export type CancelPlanChangeMutation = { cancelPlanChange: { id: string } };

export type EndSubscriptionMutationVariables = Exact<{
  input: EndSubscriptionInput;
}>;


export type EndSubscriptionMutation = { endSubscription: { id: string } };

export type UndoEndSubscriptionMutationVariables = Exact<{
  subscriptionId: string;
}>;


export type UndoEndSubscriptionMutation = { undoEndSubscription: { id: string } };

export type PauseSubscriptionMutationVariables = Exact<{
  input: PauseSubscriptionInput;
}>;


export type PauseSubscriptionMutation = { pauseSubscription: { id: string } };

export type ResumeSubscriptionMutationVariables = Exact<{
  input: PauseSubscriptionInput;
}>;


export type ResumeSubscriptionMutation = { resumeSubscription: { id: string } };

export type CurrentUsageQueryVariables = Exact<{
  customer: string;
}>;


export type CurrentUsageQuery = { currentUsage: Array<{ subscriptionId: string, charge: string, meter: string, periodStart: string, periodEnd: string, quantity: string, amount: string, currency: string }> };

export type PreviewQueryVariables = Exact<{
  customer: string;
  quantities?: Array<AssumedQuantityInput> | AssumedQuantityInput | null | undefined;
  subscriptionId?: string | null | undefined;
}>;


export type PreviewQuery = { preview: Array<{ subscriptionId: string, customer: string, currency: string, periodStart: string, periodEnd: string, tax: string, total: string, lines: Array<{ charge: string, name: string, meter: string | null, quantity: string, unroundedAmount: string, amount: string, eventCount: number, eventDigest: string, kind: InvoiceLineKind, adjusts: { id: string, number: string } | null, span: { start: string, end: string } | null, explanation: Array<(
        { children: Array<(
          { children: Array<StepPartsFragment> }
          & StepPartsFragment
        )> }
        & StepPartsFragment
      )> }> }> };

export type CustomerMoneyQueryVariables = Exact<{
  customer: string;
}>;


export type CustomerMoneyQuery = { customerBalance: Array<{ currency: string, owed: string, balance: string, creditsLeft: string }>, creditGrants: Array<{ id: string, key: string, name: string, currency: string, amount: string, remaining: string, expired: string, priority: number, expiresAt: string | null, voidedAt: string | null, createdAt: string }>, entitlement: { allowed: boolean, accrued: string, remaining: string, creditsLeft: string, currency: string | null } };

export type LedgerQueryVariables = Exact<{
  customer: string;
  first: number;
  after?: string | null | undefined;
}>;


export type LedgerQuery = { ledger: { totalCount: number, endCursor: string | null, hasNextPage: boolean, nodes: Array<{ id: string, transactionId: string, account: string, amount: string, currency: string, kind: string, invoiceId: string | null, createdAt: string }> } };

export type CreateCreditGrantMutationVariables = Exact<{
  input: CreateCreditGrantInput;
}>;


export type CreateCreditGrantMutation = { createCreditGrant: { id: string } };

export type VoidCreditGrantMutationVariables = Exact<{
  id: string;
}>;


export type VoidCreditGrantMutation = { voidCreditGrant: { id: string } };

export type SetHardStopMutationVariables = Exact<{
  customer: string;
  hardStop: boolean;
}>;


export type SetHardStopMutation = { setHardStop: { hardStop: boolean } };

export type SubscriptionExtrasQueryVariables = Exact<{
  subscriptionId: string;
}>;


export type SubscriptionExtrasQuery = { appliedCoupons: Array<{ coupon: string, appliedAt: string }>, oneOffCharges: Array<{ key: string, name: string, amount: string, at: string }> };

export type ApplyCouponMutationVariables = Exact<{
  input: ApplyCouponInput;
}>;


export type ApplyCouponMutation = { applyCoupon: { coupon: string } };

export type CreateOneOffChargeMutationVariables = Exact<{
  input: CreateOneOffChargeInput;
}>;


export type CreateOneOffChargeMutation = { createOneOffCharge: { key: string } };

export type PortalUsageQueryVariables = Exact<{ [key: string]: never; }>;


export type PortalUsageQuery = { portal: { customer: { name: string } | null, currentUsage: Array<{ subscriptionId: string, charge: string, meter: string, periodStart: string, periodEnd: string, quantity: string, amount: string, currency: string }>, subscriptions: { nodes: Array<{ id: string, planKey: string, timeZone: string }> } | null } };

export type PortalInvoicesQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type PortalInvoicesQuery = { portal: { subscriptions: { nodes: Array<{ id: string, timeZone: string }> } | null, invoices: { endCursor: string | null, hasNextPage: boolean, nodes: Array<{ id: string, number: string, status: InvoiceStatus, currency: string, periodStart: string, periodEnd: string, total: string, tax: string, pdfUrl: string, lines: Array<{ name: string, kind: InvoiceLineKind, quantity: string, amount: string, explanation: Array<{ label: string, quantity: string, unitPrice: string, divisor: string, amount: string, children: Array<{ label: string, quantity: string, unitPrice: string, divisor: string, amount: string }> }> }> }> } | null } };

export type RecentEventsQueryVariables = Exact<{
  limit: number;
}>;


export type RecentEventsQuery = { recentEvents: Array<{ idempotencyKey: string, type: string, timestamp: string, receivedAt: string, batchId: string, correctedBy: string | null, customer: string, properties: string, corrects: { idempotencyKey: string, replaces: boolean } | null }> };

export type EventQueryVariables = Exact<{
  key: string;
}>;


export type EventQuery = { event: { idempotencyKey: string, type: string, timestamp: string, receivedAt: string, batchId: string, correctedBy: string | null, customer: string, properties: string, corrects: { idempotencyKey: string, replaces: boolean } | null } | null };

export type InvoicesQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
  customer?: string | null | undefined;
  status?: InvoiceStatus | null | undefined;
}>;


export type InvoicesQuery = { invoices: { totalCount: number, endCursor: string | null, hasNextPage: boolean, nodes: Array<{ id: string, number: string | null, subscriptionId: string, status: InvoiceStatus, currency: string, periodStart: string, periodEnd: string, total: string, amountDue: string, customer: string }> } };

export type StepPartsFragment = { label: string, quantity: string, unitPrice: string, divisor: string, amount: string };

export type InvoiceQueryVariables = Exact<{
  id: string;
}>;


export type InvoiceQuery = { invoice: { id: string, number: string | null, subscriptionId: string, status: InvoiceStatus, currency: string, periodStart: string, periodEnd: string, subtotal: string, tax: string, total: string, amountDue: string, creditsApplied: string, balanceApplied: string, createdAt: string, finalizedAt: string | null, paidAt: string | null, paymentReference: string | null, voidedAt: string | null, voidReason: string | null, reissues: string | null, htmlUrl: string, pdfUrl: string, csvUrl: string, customer: string, creditNotes: Array<{ id: string, number: string, amount: string, tax: string, reason: string, createdAt: string }>, lines: Array<{ charge: string, name: string, meter: string | null, quantity: string, unroundedAmount: string, amount: string, eventCount: number, eventDigest: string, kind: InvoiceLineKind, adjusts: { id: string, number: string } | null, span: { start: string, end: string } | null, explanation: Array<(
        { children: Array<(
          { children: Array<StepPartsFragment> }
          & StepPartsFragment
        )> }
        & StepPartsFragment
      )> }>, certificate: { planVersionHash: string, planVersionHashes: Array<string>, engineVersion: string, resultHash: string } } | null };

export type CorrectionsQueryVariables = Exact<{
  customer: string;
}>;


export type CorrectionsQuery = { invoices: { nodes: Array<{ id: string, number: string | null, status: InvoiceStatus, lines: Array<{ charge: string, amount: string, adjusts: { id: string } | null }> }> } };

export type RecomputeInvoiceMutationVariables = Exact<{
  id: string;
}>;


export type RecomputeInvoiceMutation = { recomputeInvoice: { invoiceId: string, identical: boolean, resultHash: string, recomputedHash: string, differences: Array<{ charge: string, field: string, stored: string, recomputed: string }> } };

export type InvoiceLineEventsQueryVariables = Exact<{
  invoiceId: string;
  ordinal: number;
  first: number;
  after?: string | null | undefined;
}>;


export type InvoiceLineEventsQuery = { invoiceLineEvents: { totalCount: number, endCursor: string | null, hasNextPage: boolean, nodes: Array<{ idempotencyKey: string, type: string, timestamp: string, receivedAt: string, properties: string }> } };

export type FinalizeInvoiceMutationVariables = Exact<{
  id: string;
}>;


export type FinalizeInvoiceMutation = { finalizeInvoice: { id: string, status: InvoiceStatus } };

export type FinalizeInvoicesMutationVariables = Exact<{
  ids?: Array<string> | string | null | undefined;
  through?: string | null | undefined;
}>;


export type FinalizeInvoicesMutation = { finalizeInvoices: { left: number, results: Array<{ id: string, number: string | null, outcome: FinalizeOutcome }> } };

export type VoidInvoiceMutationVariables = Exact<{
  id: string;
  reason: string;
}>;


export type VoidInvoiceMutation = { voidInvoice: { id: string } };

export type ReissueInvoiceMutationVariables = Exact<{
  id: string;
}>;


export type ReissueInvoiceMutation = { reissueInvoice: { id: string } };

export type CreateCreditNoteMutationVariables = Exact<{
  input: CreateCreditNoteInput;
}>;


export type CreateCreditNoteMutation = { createCreditNote: { number: string } };

export type MarkInvoicePaidMutationVariables = Exact<{
  id: string;
  at?: string | null | undefined;
  reference?: string | null | undefined;
}>;


export type MarkInvoicePaidMutation = { markInvoicePaid: { id: string } };

export type MarkInvoiceUnpaidMutationVariables = Exact<{
  id: string;
}>;


export type MarkInvoiceUnpaidMutation = { markInvoiceUnpaid: { id: string } };

export type WebhookEndpointsQueryVariables = Exact<{
  archived: boolean;
}>;


export type WebhookEndpointsQuery = { webhookEndpoints: Array<{ id: string, url: string, description: string, eventTypes: Array<string>, inOrder: boolean, status: WebhookEndpointStatus, disabledReason: string | null, disabledAt: string | null, previousSecretUntil: string | null, createdAt: string }>, eventTypes: Array<{ name: string }> };

export type CreateWebhookEndpointMutationVariables = Exact<{
  input: CreateWebhookEndpointInput;
}>;


export type CreateWebhookEndpointMutation = { createWebhookEndpoint: { secret: string, endpoint: { id: string, url: string } } };

export type UpdateWebhookEndpointMutationVariables = Exact<{
  input: UpdateWebhookEndpointInput;
}>;


export type UpdateWebhookEndpointMutation = { updateWebhookEndpoint: { id: string } };

export type RotateWebhookSecretMutationVariables = Exact<{
  id: string;
  overlap?: number | null | undefined;
}>;


export type RotateWebhookSecretMutation = { rotateWebhookSecret: { secret: string, endpoint: { id: string } } };

export type EnableWebhookEndpointMutationVariables = Exact<{
  id: string;
}>;


export type EnableWebhookEndpointMutation = { enableWebhookEndpoint: { id: string } };

export type DisableWebhookEndpointMutationVariables = Exact<{
  id: string;
}>;


export type DisableWebhookEndpointMutation = { disableWebhookEndpoint: { id: string } };

export type ArchiveWebhookEndpointMutationVariables = Exact<{
  id: string;
}>;


export type ArchiveWebhookEndpointMutation = { archiveWebhookEndpoint: { id: string } };

export type TestWebhookEndpointMutationVariables = Exact<{
  id: string;
}>;


export type TestWebhookEndpointMutation = { testWebhookEndpoint: { id: string } };

export type DeliveriesQueryVariables = Exact<{
  endpointId?: string | null | undefined;
  eventType?: string | null | undefined;
  status?: DeliveryStatus | null | undefined;
  channel?: DeliveryChannel | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type DeliveriesQuery = { deliveries: { endCursor: string | null, hasNextPage: boolean, nodes: Array<{ id: string, eventId: string, eventType: string, channel: DeliveryChannel, endpointId: string | null, recipient: string | null, status: DeliveryStatus, createdAt: string, finishedAt: string | null, nextAttemptAt: string | null, attemptCount: number }> } };

export type DeliveryQueryVariables = Exact<{
  id: string;
}>;


export type DeliveryQuery = { delivery: { id: string, eventId: string, eventType: string, status: DeliveryStatus, createdAt: string, finishedAt: string | null, nextAttemptAt: string | null, attemptCount: number, attempts: Array<{ number: number, at: string, milliseconds: number, statusCode: number | null, error: string | null, response: string | null }> } | null };

export type ResendDeliveryMutationVariables = Exact<{
  id: string;
}>;


export type ResendDeliveryMutation = { resendDelivery: { id: string, status: DeliveryStatus } };

export type ResendEventsMutationVariables = Exact<{
  input: ResendEventsInput;
}>;


export type ResendEventsMutation = { resendEvents: { count: number, continueFrom: string | null } };

export type MailQueryVariables = Exact<{ [key: string]: never; }>;


export type MailQuery = { notificationAddresses: Array<{ id: string, email: string, description: string, eventTypes: Array<string>, status: NotificationAddressStatus, reason: string | null, createdAt: string }>, notificationSettings: { invoicesToCustomers: boolean }, eventTypes: Array<{ name: string }> };

export type CreateNotificationAddressMutationVariables = Exact<{
  input: CreateNotificationAddressInput;
}>;


export type CreateNotificationAddressMutation = { createNotificationAddress: { id: string } };

export type UpdateNotificationAddressMutationVariables = Exact<{
  input: UpdateNotificationAddressInput;
}>;


export type UpdateNotificationAddressMutation = { updateNotificationAddress: { id: string } };

export type ArchiveNotificationAddressMutationVariables = Exact<{
  id: string;
}>;


export type ArchiveNotificationAddressMutation = { archiveNotificationAddress: { id: string } };

export type UpdateNotificationSettingsMutationVariables = Exact<{
  invoicesToCustomers: boolean;
}>;


export type UpdateNotificationSettingsMutation = { updateNotificationSettings: { invoicesToCustomers: boolean } };

export type OperationsQueryVariables = Exact<{ [key: string]: never; }>;


export type OperationsQuery = { operations: { eventsLastMinute: number, eventsLastHour: number, eventsLastDay: number, slowestMilliseconds: number | null, countedThrough: string | null, unpublished: number, unpublishedSince: string | null, deadLetters: number, deadLettersSince: string | null, openDifferences: number, busiestOrgs: Array<{ orgId: string, events: number }>, heldOrgs: Array<{ orgId: string, code: string, invoices: number, dueSince: string | null }> } };

export type UsageOutboxQueryVariables = Exact<{ [key: string]: never; }>;


export type UsageOutboxQuery = { usageOutbox: { batches: number, oldestReceivedAt: string | null } };

export type OrgsQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
  search?: string | null | undefined;
}>;


export type OrgsQuery = { orgs: { endCursor: string | null, hasNextPage: boolean, nodes: Array<{ id: string, name: string, sandbox: boolean, createdAt: string }> } };

export type OrgNamesQueryVariables = Exact<{
  ids: Array<string> | string;
  first: number;
}>;


export type OrgNamesQuery = { orgs: { nodes: Array<{ id: string, name: string }> } };

export type OrgActivityQueryVariables = Exact<{
  orgIds: Array<string> | string;
}>;


export type OrgActivityQuery = { orgActivity: Array<{ orgId: string, eventsLastHour: number, heldInvoices: number, deadLetters: number }> };

export type OverviewQueryVariables = Exact<{ [key: string]: never; }>;


export type OverviewQuery = { meters: Array<{ key: string, name: string, aggregation: MeterAggregation }>, plans: Array<{ key: string, current: { id: string } | null }>, customers: { totalCount: number }, subscriptions: { totalCount: number, nodes: Array<{ id: string, status: SubscriptionStatus, customer: string }> }, drafts: { totalCount: number }, finalized: { totalCount: number }, paid: { totalCount: number }, recentEvents: Array<{ receivedAt: string }>, heldInvoices: Array<{ subscriptionId: string }>, reconciliation: { lastCheckedAt: string | null, driftFound: number, driftRepaired: number } };

export type ReconciliationQueryVariables = Exact<{ [key: string]: never; }>;


export type ReconciliationQuery = { reconciliation: { lastCheckedAt: string | null, lastPassAt: string | null, bucketsInLastPass: number, driftFound: number, driftRepaired: number, findings: Array<{ kind: DriftKind, place: string, bucketStart: string, stored: string, expected: string, foundAt: string, repairedAt: string | null }> } };

export type QualityQueryVariables = Exact<{ [key: string]: never; }>;


export type QualityQuery = { heldInvoices: Array<{ subscriptionId: string, customer: string, code: string, message: string, periodStart: string | null, periodEnd: string | null, tries: number, retryAt: string }> };

export type DeadLettersQueryVariables = Exact<{ [key: string]: never; }>;


export type DeadLettersQuery = { deadLetters: Array<{ id: string, source: string, reason: string, attempts: number, bytes: number, seenAt: string }> };

export type DeliveryDeadLettersQueryVariables = Exact<{ [key: string]: never; }>;


export type DeliveryDeadLettersQuery = { deliveryDeadLetters: Array<{ id: string, source: string, reason: string, attempts: number, bytes: number, seenAt: string, retryAt: string | null }> };

export type ReplayDeliveryDeadLettersMutationVariables = Exact<{
  ids?: Array<string> | string | null | undefined;
}>;


export type ReplayDeliveryDeadLettersMutation = { replayDeliveryDeadLetters: { replayed: number, resolved: number } };

export type ReplayDeadLettersMutationVariables = Exact<{
  ids?: Array<string> | string | null | undefined;
}>;


export type ReplayDeadLettersMutation = { replayDeadLetters: { replayed: number, resolved: number, failed: Array<{ id: string, reason: string }> } };

export type RetryHeldInvoicesMutationVariables = Exact<{
  subscriptionIds?: Array<string> | string | null | undefined;
}>;


export type RetryHeldInvoicesMutation = { retryHeldInvoices: Array<{ subscriptionId: string, message: string }> };

export type ReconcileUsageMutationVariables = Exact<{
  from: string;
  to: string;
}>;


export type ReconcileUsageMutation = { reconcileUsage: { checkedThrough: string, buckets: number, events: number, driftFound: number, driftRepaired: number, milliseconds: number } };

export type AcceptInvitationMutationVariables = Exact<{
  input: AcceptInvitationInput;
}>;


export type AcceptInvitationMutation = { acceptInvitation: { role: string, org: { name: string } } };

export type ProveEmailMutationVariables = Exact<{
  token: string;
}>;


export type ProveEmailMutation = { proveEmail: { email: string | null } };

export type ResetPasswordMutationVariables = Exact<{
  newPassword: string;
  token: string;
}>;


export type ResetPasswordMutation = { resetPassword: { userId: string } };

export type RequestPasswordResetMutationVariables = Exact<{
  email: string;
}>;


export type RequestPasswordResetMutation = { requestPasswordReset: boolean };

export type SignUpMutationVariables = Exact<{
  input: SignUpInput;
}>;


export type SignUpMutation = { signUp: { emailProof: string | null, org: { id: string, name: string }, apiKey: { secret: string } } };

export type MeQueryVariables = Exact<{ [key: string]: never; }>;


export type MeQuery = { me: { userId: string | null, email: string | null, role: string | null, scopes: Array<string>, org: { id: string, name: string, currency: string, timeZone: string, sandbox: boolean } } };

export type ApiKeysQueryVariables = Exact<{ [key: string]: never; }>;


export type ApiKeysQuery = { apiKeys: Array<{ id: string, name: string, prefix: string, scopes: Array<string>, backfill: boolean, createdAt: string, expiresAt: string | null, lastUsedAt: string | null, rotatedAt: string | null, revokedAt: string | null }> };

export type CreateApiKeyMutationVariables = Exact<{
  input: CreateApiKeyInput;
}>;


export type CreateApiKeyMutation = { createApiKey: { secret: string, key: { id: string, name: string } } };

export type RotateApiKeyMutationVariables = Exact<{
  id: string;
  overlap?: number | null | undefined;
}>;


export type RotateApiKeyMutation = { rotateApiKey: { secret: string, key: { id: string, name: string } } };

export type RevokeApiKeyMutationVariables = Exact<{
  id: string;
}>;


export type RevokeApiKeyMutation = { revokeApiKey: { id: string, revokedAt: string | null } };

export type MembersQueryVariables = Exact<{ [key: string]: never; }>;


export type MembersQuery = { members: Array<{ userId: string, email: string | null, role: string, createdAt: string }>, invitations: Array<{ id: string, email: string, role: string, createdAt: string, expiresAt: string, revokedAt: string | null }> };

export type CreateInvitationMutationVariables = Exact<{
  input: CreateInvitationInput;
}>;


export type CreateInvitationMutation = { createInvitation: { token: string | null, invitation: { id: string, email: string } } };

export type RevokeInvitationMutationVariables = Exact<{
  id: string;
}>;


export type RevokeInvitationMutation = { revokeInvitation: { id: string } };

export type ChangeMemberRoleMutationVariables = Exact<{
  userId: string;
  role: string;
}>;


export type ChangeMemberRoleMutation = { changeMemberRole: { userId: string } };

export type RemoveMemberMutationVariables = Exact<{
  userId: string;
}>;


export type RemoveMemberMutation = { removeMember: { userId: string } };

export type LeaveOrgMutationVariables = Exact<{ [key: string]: never; }>;


export type LeaveOrgMutation = { leaveOrg: { userId: string } };

export type OrgLogQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type OrgLogQuery = { log: { endCursor: string | null, hasNextPage: boolean, nodes: Array<{ id: string, at: string, action: string, actorId: string | null, actorKind: string, subject: string | null, detail: string | null }> } };

export type PlansLogQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type PlansLogQuery = { log: { endCursor: string | null, hasNextPage: boolean, nodes: Array<{ id: string, at: string, action: string, actorId: string | null, actorKind: string, subject: string | null, detail: string | null }> } };

export type BillingLogQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type BillingLogQuery = { log: { endCursor: string | null, hasNextPage: boolean, nodes: Array<{ id: string, at: string, action: string, actorId: string | null, actorKind: string, subject: string | null, detail: string | null }> } };

export type NotificationsLogQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type NotificationsLogQuery = { log: { endCursor: string | null, hasNextPage: boolean, nodes: Array<{ id: string, at: string, action: string, actorId: string | null, actorKind: string, subject: string | null, detail: string | null }> } };

export type SettingsQueryVariables = Exact<{ [key: string]: never; }>;


export type SettingsQuery = { invoiceSettings: { legalName: string | null, taxId: string | null, email: string | null, paymentDays: number | null, note: string | null, footer: string | null, accentColor: string | null, figures: FigureStyle, address: { line1: string | null, line2: string | null, postalCode: string | null, city: string | null, region: string | null, country: string | null } | null, logo: { contentType: string, data: string } | null }, invoiceTiming: { graceMinutes: number | null, reviewHours: number | null } };

export type UpdateInvoiceSettingsMutationVariables = Exact<{
  input: UpdateInvoiceSettingsInput;
}>;


export type UpdateInvoiceSettingsMutation = { updateInvoiceSettings: { updatedAt: string | null } };

export type SetInvoiceTimingMutationVariables = Exact<{
  graceMinutes?: number | null | undefined;
  reviewHours?: number | null | undefined;
}>;


export type SetInvoiceTimingMutation = { setInvoiceTiming: { graceMinutes: number | null } };

export type EmbedOriginsQueryVariables = Exact<{ [key: string]: never; }>;


export type EmbedOriginsQuery = { org: { id: string, embedOrigins: Array<string> } };

export type SetEmbedOriginsMutationVariables = Exact<{
  origins: Array<string> | string;
}>;


export type SetEmbedOriginsMutation = { setEmbedOrigins: { id: string } };

export type ChangePasswordMutationVariables = Exact<{
  currentPassword: string;
  newPassword: string;
  code?: string | null | undefined;
}>;


export type ChangePasswordMutation = { changePassword: boolean };

export type StartTwoFactorMutationVariables = Exact<{
  password: string;
}>;


export type StartTwoFactorMutation = { startTwoFactor: { secret: string, uri: string } };

export type ConfirmTwoFactorMutationVariables = Exact<{
  code: string;
}>;


export type ConfirmTwoFactorMutation = { confirmTwoFactor: Array<string> };

export type TurnOffTwoFactorMutationVariables = Exact<{
  code: string;
  password: string;
}>;


export type TurnOffTwoFactorMutation = { turnOffTwoFactor: boolean };

export type SignOutEverywhereMutationVariables = Exact<{ [key: string]: never; }>;


export type SignOutEverywhereMutation = { signOut: boolean };

export type MembershipsQueryVariables = Exact<{ [key: string]: never; }>;


export type MembershipsQuery = { memberships: Array<{ orgId: string, orgName: string, role: string }> };

export type ThresholdsQueryVariables = Exact<{
  archived: boolean;
}>;


export type ThresholdsQuery = { thresholds: Array<{ key: string, name: string, on: ThresholdOn, meter: string | null, charge: string | null, currency: string | null, plan: string | null, customer: string | null, values: Array<string>, createdAt: string, archivedAt: string | null }> };

export type ThresholdCrossingsQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type ThresholdCrossingsQuery = { thresholdCrossings: { totalCount: number, endCursor: string | null, hasNextPage: boolean, nodes: Array<{ eventId: string, customer: string, subscriptionId: string, periodStart: string, periodEnd: string, crossedAt: string, value: string, reached: string, threshold: { key: string, name: string, on: ThresholdOn, currency: string | null } }> } };

export type CreateThresholdMutationVariables = Exact<{
  input: CreateThresholdInput;
}>;


export type CreateThresholdMutation = { createThreshold: { key: string } };

export type UpdateThresholdMutationVariables = Exact<{
  input: UpdateThresholdInput;
}>;


export type UpdateThresholdMutation = { updateThreshold: { key: string } };

export type ArchiveThresholdMutationVariables = Exact<{
  key: string;
}>;


export type ArchiveThresholdMutation = { archiveThreshold: { key: string } };

export type CouponsQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type CouponsQuery = { coupons: { totalCount: number, endCursor: string | null, hasNextPage: boolean, nodes: Array<{ key: string, name: string, percent: string | null, amount: string | null, currency: string | null, periods: number | null, createdAt: string }> } };

export type CreateCouponMutationVariables = Exact<{
  input: CreateCouponInput;
}>;


export type CreateCouponMutation = { createCoupon: { key: string } };

export type ClockQueryVariables = Exact<{ [key: string]: never; }>;


export type ClockQuery = { clock: { now: string, frozen: boolean, duePeriods: number } };

export type SetClockMutationVariables = Exact<{
  now?: string | null | undefined;
}>;


export type SetClockMutation = { setClock: { now: string, frozen: boolean, duePeriods: number } };

export type UsageReportQueryVariables = Exact<{
  input: UsageReportInput;
}>;


export type UsageReportQuery = { usageReport: { meter: string, timeZone: string, window: ReportWindow, from: string, to: string, previousFrom: string | null, groups: Array<{ customer: string | null, others: boolean, quantity: string, eventCount: number, previousQuantity: string | null, change: string | null, dimensions: Array<{ name: string, value: string }>, points: Array<{ start: string, end: string, quantity: string, eventCount: number }> }> } };


export interface Documents {
  "\n    query Invoice($id: ID!) {\n      invoice(id: $id) {\n        id\n        number\n        customer: customerKey\n        subscriptionId\n        status\n        currency\n        periodStart\n        periodEnd\n        subtotal\n        tax\n        total\n        amountDue\n        creditsApplied\n        balanceApplied\n        createdAt\n        finalizedAt\n        paidAt\n        paymentReference\n        voidedAt\n        voidReason\n        reissues\n        htmlUrl\n        pdfUrl\n        csvUrl\n        creditNotes {\n          id\n          number\n          amount\n          tax\n          reason\n          createdAt\n        }\n        lines {\n          charge\n          name\n          meter\n          quantity\n          unroundedAmount\n          amount\n          eventCount\n          eventDigest\n          kind\n          adjusts {\n            id\n            number\n          }\n          span {\n            start\n            end\n          }\n          explanation {\n            ...StepParts\n            children {\n              ...StepParts\n              children {\n                ...StepParts\n              }\n            }\n          }\n        }\n        certificate {\n          planVersionHash\n          planVersionHashes\n          engineVersion\n          resultHash\n        }\n      }\n    }\n  ": Document<InvoiceQuery, InvoiceQueryVariables>;
  "\n    query Meters($archived: Boolean! = false) {\n      meters(archived: $archived) {\n        ...MeterParts\n      }\n    }\n  ": Document<MetersQuery, MetersQueryVariables>;
  "\n    query Plans($archived: Boolean! = false) {\n      plans(archived: $archived) {\n        id\n        key\n        name\n        currency\n        interval\n        archivedAt\n        current {\n          id\n        }\n        versions {\n          ...VersionParts\n        }\n      }\n    }\n  ": Document<PlansQuery, PlansQueryVariables>;
  "\n    query Preview($customer: String!, $quantities: [AssumedQuantityInput!], $subscriptionId: ID) {\n      preview(customer: $customer, quantities: $quantities, subscriptionId: $subscriptionId) {\n        subscriptionId\n        customer\n        currency\n        periodStart\n        periodEnd\n        tax\n        total\n        lines {\n          charge\n          name\n          meter\n          quantity\n          unroundedAmount\n          amount\n          eventCount\n          eventDigest\n          kind\n          adjusts {\n            id\n            number\n          }\n          span {\n            start\n            end\n          }\n          explanation {\n            ...StepParts\n            children {\n              ...StepParts\n              children {\n                ...StepParts\n              }\n            }\n          }\n        }\n      }\n    }\n  ": Document<PreviewQuery, PreviewQueryVariables>;
  "\n  fragment MeterParts on Meter {\n    id\n    key\n    name\n    eventType\n    aggregation\n    property\n    dimensions\n    filters {\n      property\n      equals\n    }\n    eventFee {\n      percent\n      fixed\n      minimum\n      maximum\n    }\n    createdAt\n    archivedAt\n  }\n": FragmentText;
  "\n  fragment PriceParts on Price {\n    model\n    amount\n    unitPrice\n    tiers {\n      upTo\n      unitPrice\n      flatFee\n      percent\n      packageSize\n    }\n    packageSize\n    packagePrice\n    packageRounding\n    freeUnits\n    percent\n    feePerEvent\n    freeAmount\n    freeEvents\n    flatFeeAtZero\n  }\n": FragmentText;
  "\n  fragment StepParts on ExplanationStep {\n    label\n    quantity\n    unitPrice\n    divisor\n    amount\n  }\n": FragmentText;
  "\n  fragment VersionParts on PlanVersion {\n    id\n    number\n    status\n    hash\n    publishedAt\n    charges {\n      key\n      name\n      meter\n      price {\n        ...PriceParts\n      }\n      dimensionPrices {\n        values\n        price {\n          ...PriceParts\n        }\n      }\n      includedUnits\n      minimum\n      maximum\n      discounts {\n        key\n        name\n        percent\n        amount\n      }\n      proration\n      timing\n    }\n    terms {\n      commitment {\n        amount\n        overageFactor\n      }\n      minimum\n      maximum\n      discounts {\n        key\n        name\n        percent\n        amount\n      }\n      taxMode\n      taxes {\n        key\n        name\n        percent\n      }\n      proration\n    }\n  }\n": FragmentText;
  "\n  mutation AcceptInvitation($input: AcceptInvitationInput!) {\n    acceptInvitation(input: $input) {\n      role\n      org {\n        name\n      }\n    }\n  }\n": Document<AcceptInvitationMutation, AcceptInvitationMutationVariables>;
  "\n  mutation ApplyCoupon($input: ApplyCouponInput!) {\n    applyCoupon(input: $input) {\n      coupon\n    }\n  }\n": Document<ApplyCouponMutation, ApplyCouponMutationVariables>;
  "\n  mutation ArchiveCustomer($key: String!) {\n    archiveCustomer(key: $key) {\n      key\n    }\n  }\n": Document<ArchiveCustomerMutation, ArchiveCustomerMutationVariables>;
  "\n  mutation ArchiveMeter($key: String!) {\n    archiveMeter(key: $key) {\n      key\n    }\n  }\n": Document<ArchiveMeterMutation, ArchiveMeterMutationVariables>;
  "\n  mutation ArchiveNotificationAddress($id: ID!) {\n    archiveNotificationAddress(id: $id) {\n      id\n    }\n  }\n": Document<ArchiveNotificationAddressMutation, ArchiveNotificationAddressMutationVariables>;
  "\n  mutation ArchivePlan($key: String!) {\n    archivePlan(key: $key) {\n      key\n    }\n  }\n": Document<ArchivePlanMutation, ArchivePlanMutationVariables>;
  "\n  mutation ArchivePlanVersion($id: ID!) {\n    archivePlanVersion(id: $id) {\n      id\n    }\n  }\n": Document<ArchivePlanVersionMutation, ArchivePlanVersionMutationVariables>;
  "\n  mutation ArchiveThreshold($key: String!) {\n    archiveThreshold(key: $key) {\n      key\n    }\n  }\n": Document<ArchiveThresholdMutation, ArchiveThresholdMutationVariables>;
  "\n  mutation ArchiveWebhookEndpoint($id: ID!) {\n    archiveWebhookEndpoint(id: $id) {\n      id\n    }\n  }\n": Document<ArchiveWebhookEndpointMutation, ArchiveWebhookEndpointMutationVariables>;
  "\n  mutation CancelPlanChange($subscriptionId: ID!) {\n    cancelPlanChange(subscriptionId: $subscriptionId) {\n      id\n    }\n  }\n": Document<CancelPlanChangeMutation, CancelPlanChangeMutationVariables>;
  "\n  mutation ChangeMemberRole($userId: ID!, $role: String!) {\n    changeMemberRole(userId: $userId, role: $role) {\n      userId\n    }\n  }\n": Document<ChangeMemberRoleMutation, ChangeMemberRoleMutationVariables>;
  "\n  mutation ChangePassword($currentPassword: String!, $newPassword: String!, $code: String) {\n    changePassword(currentPassword: $currentPassword, newPassword: $newPassword, code: $code)\n  }\n": Document<ChangePasswordMutation, ChangePasswordMutationVariables>;
  "\n  mutation ChangePlan($input: ChangePlanInput!) {\n    changePlan(input: $input) {\n      id\n    }\n  }\n": Document<ChangePlanMutation, ChangePlanMutationVariables>;
  "\n  mutation ConfirmTwoFactor($code: String!) {\n    confirmTwoFactor(code: $code)\n  }\n": Document<ConfirmTwoFactorMutation, ConfirmTwoFactorMutationVariables>;
  "\n  mutation CreateApiKey($input: CreateApiKeyInput!) {\n    createApiKey(input: $input) {\n      key {\n        id\n        name\n      }\n      secret\n    }\n  }\n": Document<CreateApiKeyMutation, CreateApiKeyMutationVariables>;
  "\n  mutation CreateCoupon($input: CreateCouponInput!) {\n    createCoupon(input: $input) {\n      key\n    }\n  }\n": Document<CreateCouponMutation, CreateCouponMutationVariables>;
  "\n  mutation CreateCreditGrant($input: CreateCreditGrantInput!) {\n    createCreditGrant(input: $input) {\n      id\n    }\n  }\n": Document<CreateCreditGrantMutation, CreateCreditGrantMutationVariables>;
  "\n  mutation CreateCreditNote($input: CreateCreditNoteInput!) {\n    createCreditNote(input: $input) {\n      number\n    }\n  }\n": Document<CreateCreditNoteMutation, CreateCreditNoteMutationVariables>;
  "\n  mutation CreateCustomerToken($customer: String!, $expiresIn: Int) {\n    createCustomerToken(customer: $customer, expiresIn: $expiresIn) {\n      token\n      expiresAt\n    }\n  }\n": Document<CreateCustomerTokenMutation, CreateCustomerTokenMutationVariables>;
  "\n  mutation CreateCustomers($input: [CreateCustomerInput!]!) {\n    createCustomers(input: $input) {\n      key\n    }\n  }\n": Document<CreateCustomersMutation, CreateCustomersMutationVariables>;
  "\n  mutation CreateInvitation($input: CreateInvitationInput!) {\n    createInvitation(input: $input) {\n      token\n      invitation {\n        id\n        email\n      }\n    }\n  }\n": Document<CreateInvitationMutation, CreateInvitationMutationVariables>;
  "\n  mutation CreateMeter($input: CreateMeterInput!) {\n    createMeter(input: $input) {\n      key\n    }\n  }\n": Document<CreateMeterMutation, CreateMeterMutationVariables>;
  "\n  mutation CreateNotificationAddress($input: CreateNotificationAddressInput!) {\n    createNotificationAddress(input: $input) {\n      id\n    }\n  }\n": Document<CreateNotificationAddressMutation, CreateNotificationAddressMutationVariables>;
  "\n  mutation CreateOneOffCharge($input: CreateOneOffChargeInput!) {\n    createOneOffCharge(input: $input) {\n      key\n    }\n  }\n": Document<CreateOneOffChargeMutation, CreateOneOffChargeMutationVariables>;
  "\n  mutation CreatePlan($input: CreatePlanInput!) {\n    createPlan(input: $input) {\n      key\n    }\n  }\n": Document<CreatePlanMutation, CreatePlanMutationVariables>;
  "\n  mutation CreatePlanVersion($planKey: String!, $charges: [ChargeInput!]!, $terms: PlanTermsInput) {\n    createPlanVersion(planKey: $planKey, charges: $charges, terms: $terms) {\n      id\n      number\n    }\n  }\n": Document<CreatePlanVersionMutation, CreatePlanVersionMutationVariables>;
  "\n  mutation CreateSubscriptions($input: [CreateSubscriptionInput!]!) {\n    createSubscriptions(input: $input) {\n      id\n      warnings {\n        message\n      }\n    }\n  }\n": Document<CreateSubscriptionsMutation, CreateSubscriptionsMutationVariables>;
  "\n  mutation CreateThreshold($input: CreateThresholdInput!) {\n    createThreshold(input: $input) {\n      key\n    }\n  }\n": Document<CreateThresholdMutation, CreateThresholdMutationVariables>;
  "\n  mutation CreateWebhookEndpoint($input: CreateWebhookEndpointInput!) {\n    createWebhookEndpoint(input: $input) {\n      secret\n      endpoint {\n        id\n        url\n      }\n    }\n  }\n": Document<CreateWebhookEndpointMutation, CreateWebhookEndpointMutationVariables>;
  "\n  mutation DisableWebhookEndpoint($id: ID!) {\n    disableWebhookEndpoint(id: $id) {\n      id\n    }\n  }\n": Document<DisableWebhookEndpointMutation, DisableWebhookEndpointMutationVariables>;
  "\n  mutation EnableWebhookEndpoint($id: ID!) {\n    enableWebhookEndpoint(id: $id) {\n      id\n    }\n  }\n": Document<EnableWebhookEndpointMutation, EnableWebhookEndpointMutationVariables>;
  "\n  mutation EndSubscription($input: EndSubscriptionInput!) {\n    endSubscription(input: $input) {\n      id\n    }\n  }\n": Document<EndSubscriptionMutation, EndSubscriptionMutationVariables>;
  "\n  mutation FinalizeInvoice($id: ID!) {\n    finalizeInvoice(id: $id) {\n      id\n      status\n    }\n  }\n": Document<FinalizeInvoiceMutation, FinalizeInvoiceMutationVariables>;
  "\n  mutation FinalizeInvoices($ids: [ID!], $through: DateTime) {\n    finalizeInvoices(ids: $ids, through: $through) {\n      left\n      results {\n        id\n        number\n        outcome\n      }\n    }\n  }\n": Document<FinalizeInvoicesMutation, FinalizeInvoicesMutationVariables>;
  "\n  mutation LeaveOrg {\n    leaveOrg {\n      userId\n    }\n  }\n": Document<LeaveOrgMutation, LeaveOrgMutationVariables>;
  "\n  mutation MarkInvoicePaid($id: ID!, $at: DateTime, $reference: String) {\n    markInvoicePaid(id: $id, at: $at, reference: $reference) {\n      id\n    }\n  }\n": Document<MarkInvoicePaidMutation, MarkInvoicePaidMutationVariables>;
  "\n  mutation MarkInvoiceUnpaid($id: ID!) {\n    markInvoiceUnpaid(id: $id) {\n      id\n    }\n  }\n": Document<MarkInvoiceUnpaidMutation, MarkInvoiceUnpaidMutationVariables>;
  "\n  mutation PauseSubscription($input: PauseSubscriptionInput!) {\n    pauseSubscription(input: $input) {\n      id\n    }\n  }\n": Document<PauseSubscriptionMutation, PauseSubscriptionMutationVariables>;
  "\n  mutation ProveEmail($token: String!) {\n    proveEmail(token: $token) {\n      email\n    }\n  }\n": Document<ProveEmailMutation, ProveEmailMutationVariables>;
  "\n  mutation PublishPlanVersion($id: ID!) {\n    publishPlanVersion(id: $id) {\n      id\n    }\n  }\n": Document<PublishPlanVersionMutation, PublishPlanVersionMutationVariables>;
  "\n  mutation RecomputeInvoice($id: ID!) {\n    recomputeInvoice(id: $id) {\n      invoiceId\n      identical\n      resultHash\n      recomputedHash\n      differences {\n        charge\n        field\n        stored\n        recomputed\n      }\n    }\n  }\n": Document<RecomputeInvoiceMutation, RecomputeInvoiceMutationVariables>;
  "\n  mutation ReconcileUsage($from: DateTime!, $to: DateTime!) {\n    reconcileUsage(from: $from, to: $to) {\n      checkedThrough\n      buckets\n      events\n      driftFound\n      driftRepaired\n      milliseconds\n    }\n  }\n": Document<ReconcileUsageMutation, ReconcileUsageMutationVariables>;
  "\n  mutation ReissueInvoice($id: ID!) {\n    reissueInvoice(id: $id) {\n      id\n    }\n  }\n": Document<ReissueInvoiceMutation, ReissueInvoiceMutationVariables>;
  "\n  mutation RemoveMember($userId: ID!) {\n    removeMember(userId: $userId) {\n      userId\n    }\n  }\n": Document<RemoveMemberMutation, RemoveMemberMutationVariables>;
  "\n  mutation RenamePlan($key: String!, $name: String!) {\n    renamePlan(key: $key, name: $name) {\n      key\n    }\n  }\n": Document<RenamePlanMutation, RenamePlanMutationVariables>;
  "\n  mutation ReplayDeadLetters($ids: [ID!]) {\n    replayDeadLetters(ids: $ids) {\n      replayed\n      resolved\n      failed {\n        id\n        reason\n      }\n    }\n  }\n": Document<ReplayDeadLettersMutation, ReplayDeadLettersMutationVariables>;
  "\n  mutation ReplayDeliveryDeadLetters($ids: [ID!]) {\n    replayDeliveryDeadLetters(ids: $ids) {\n      replayed\n      resolved\n    }\n  }\n": Document<ReplayDeliveryDeadLettersMutation, ReplayDeliveryDeadLettersMutationVariables>;
  "\n  mutation RequestPasswordReset($email: String!) {\n    requestPasswordReset(email: $email)\n  }\n": Document<RequestPasswordResetMutation, RequestPasswordResetMutationVariables>;
  "\n  mutation ResendDelivery($id: ID!) {\n    resendDelivery(id: $id) {\n      id\n      status\n    }\n  }\n": Document<ResendDeliveryMutation, ResendDeliveryMutationVariables>;
  "\n  mutation ResendEvents($input: ResendEventsInput!) {\n    resendEvents(input: $input) {\n      count\n      continueFrom\n    }\n  }\n": Document<ResendEventsMutation, ResendEventsMutationVariables>;
  "\n  mutation ResetPassword($newPassword: String!, $token: String!) {\n    resetPassword(newPassword: $newPassword, token: $token) {\n      userId\n    }\n  }\n": Document<ResetPasswordMutation, ResetPasswordMutationVariables>;
  "\n  mutation ResumeSubscription($input: PauseSubscriptionInput!) {\n    resumeSubscription(input: $input) {\n      id\n    }\n  }\n": Document<ResumeSubscriptionMutation, ResumeSubscriptionMutationVariables>;
  "\n  mutation RetryHeldInvoices($subscriptionIds: [ID!]) {\n    retryHeldInvoices(subscriptionIds: $subscriptionIds) {\n      subscriptionId\n      message\n    }\n  }\n": Document<RetryHeldInvoicesMutation, RetryHeldInvoicesMutationVariables>;
  "\n  mutation RevokeApiKey($id: ID!) {\n    revokeApiKey(id: $id) {\n      id\n      revokedAt\n    }\n  }\n": Document<RevokeApiKeyMutation, RevokeApiKeyMutationVariables>;
  "\n  mutation RevokeInvitation($id: ID!) {\n    revokeInvitation(id: $id) {\n      id\n    }\n  }\n": Document<RevokeInvitationMutation, RevokeInvitationMutationVariables>;
  "\n  mutation RotateApiKey($id: ID!, $overlap: Int) {\n    rotateApiKey(id: $id, overlap: $overlap) {\n      key {\n        id\n        name\n      }\n      secret\n    }\n  }\n": Document<RotateApiKeyMutation, RotateApiKeyMutationVariables>;
  "\n  mutation RotateWebhookSecret($id: ID!, $overlap: Int) {\n    rotateWebhookSecret(id: $id, overlap: $overlap) {\n      secret\n      endpoint {\n        id\n      }\n    }\n  }\n": Document<RotateWebhookSecretMutation, RotateWebhookSecretMutationVariables>;
  "\n  mutation SetClock($now: DateTime) {\n    setClock(now: $now) {\n      now\n      frozen\n      duePeriods\n    }\n  }\n": Document<SetClockMutation, SetClockMutationVariables>;
  "\n  mutation SetEmbedOrigins($origins: [String!]!) {\n    setEmbedOrigins(origins: $origins) {\n      id\n    }\n  }\n": Document<SetEmbedOriginsMutation, SetEmbedOriginsMutationVariables>;
  "\n  mutation SetHardStop($customer: String!, $hardStop: Boolean!) {\n    setHardStop(customer: $customer, hardStop: $hardStop) {\n      hardStop\n    }\n  }\n": Document<SetHardStopMutation, SetHardStopMutationVariables>;
  "\n  mutation SetInvoiceTiming($graceMinutes: Int, $reviewHours: Int) {\n    setInvoiceTiming(graceMinutes: $graceMinutes, reviewHours: $reviewHours) {\n      graceMinutes\n    }\n  }\n": Document<SetInvoiceTimingMutation, SetInvoiceTimingMutationVariables>;
  "\n  mutation SignOutEverywhere {\n    signOut(everywhere: true)\n  }\n": Document<SignOutEverywhereMutation, SignOutEverywhereMutationVariables>;
  "\n  mutation SignUp($input: SignUpInput!) {\n    signUp(input: $input) {\n      emailProof\n      org {\n        id\n        name\n      }\n      apiKey {\n        secret\n      }\n    }\n  }\n": Document<SignUpMutation, SignUpMutationVariables>;
  "\n  mutation StartTwoFactor($password: String!) {\n    startTwoFactor(password: $password) {\n      secret\n      uri\n    }\n  }\n": Document<StartTwoFactorMutation, StartTwoFactorMutationVariables>;
  "\n  mutation TestWebhookEndpoint($id: ID!) {\n    testWebhookEndpoint(id: $id) {\n      id\n    }\n  }\n": Document<TestWebhookEndpointMutation, TestWebhookEndpointMutationVariables>;
  "\n  mutation TurnOffTwoFactor($code: String!, $password: String!) {\n    turnOffTwoFactor(code: $code, password: $password)\n  }\n": Document<TurnOffTwoFactorMutation, TurnOffTwoFactorMutationVariables>;
  "\n  mutation UnarchiveCustomer($key: String!) {\n    unarchiveCustomer(key: $key) {\n      key\n    }\n  }\n": Document<UnarchiveCustomerMutation, UnarchiveCustomerMutationVariables>;
  "\n  mutation UnarchiveMeter($key: String!) {\n    unarchiveMeter(key: $key) {\n      key\n    }\n  }\n": Document<UnarchiveMeterMutation, UnarchiveMeterMutationVariables>;
  "\n  mutation UnarchivePlan($key: String!) {\n    unarchivePlan(key: $key) {\n      key\n    }\n  }\n": Document<UnarchivePlanMutation, UnarchivePlanMutationVariables>;
  "\n  mutation UndoEndSubscription($subscriptionId: ID!) {\n    undoEndSubscription(subscriptionId: $subscriptionId) {\n      id\n    }\n  }\n": Document<UndoEndSubscriptionMutation, UndoEndSubscriptionMutationVariables>;
  "\n  mutation UpdateCustomer($input: UpdateCustomerInput!) {\n    updateCustomer(input: $input) {\n      key\n    }\n  }\n": Document<UpdateCustomerMutation, UpdateCustomerMutationVariables>;
  "\n  mutation UpdateInvoiceSettings($input: UpdateInvoiceSettingsInput!) {\n    updateInvoiceSettings(input: $input) {\n      updatedAt\n    }\n  }\n": Document<UpdateInvoiceSettingsMutation, UpdateInvoiceSettingsMutationVariables>;
  "\n  mutation UpdateNotificationAddress($input: UpdateNotificationAddressInput!) {\n    updateNotificationAddress(input: $input) {\n      id\n    }\n  }\n": Document<UpdateNotificationAddressMutation, UpdateNotificationAddressMutationVariables>;
  "\n  mutation UpdateNotificationSettings($invoicesToCustomers: Boolean!) {\n    updateNotificationSettings(invoicesToCustomers: $invoicesToCustomers) {\n      invoicesToCustomers\n    }\n  }\n": Document<UpdateNotificationSettingsMutation, UpdateNotificationSettingsMutationVariables>;
  "\n  mutation UpdateThreshold($input: UpdateThresholdInput!) {\n    updateThreshold(input: $input) {\n      key\n    }\n  }\n": Document<UpdateThresholdMutation, UpdateThresholdMutationVariables>;
  "\n  mutation UpdateWebhookEndpoint($input: UpdateWebhookEndpointInput!) {\n    updateWebhookEndpoint(input: $input) {\n      id\n    }\n  }\n": Document<UpdateWebhookEndpointMutation, UpdateWebhookEndpointMutationVariables>;
  "\n  mutation VoidCreditGrant($id: ID!) {\n    voidCreditGrant(id: $id) {\n      id\n    }\n  }\n": Document<VoidCreditGrantMutation, VoidCreditGrantMutationVariables>;
  "\n  mutation VoidInvoice($id: ID!, $reason: String!) {\n    voidInvoice(id: $id, reason: $reason) {\n      id\n    }\n  }\n": Document<VoidInvoiceMutation, VoidInvoiceMutationVariables>;
  "\n  query ApiKeys {\n    apiKeys {\n      id\n      name\n      prefix\n      scopes\n      backfill\n      createdAt\n      expiresAt\n      lastUsedAt\n      rotatedAt\n      revokedAt\n    }\n  }\n": Document<ApiKeysQuery, ApiKeysQueryVariables>;
  "\n  query BillingLog($first: Int!, $after: String) {\n    log: billingAuditLog(first: $first, after: $after) {\n      nodes {\n        id\n        at\n        action\n        actorId\n        actorKind\n        subject\n        detail\n      }\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<BillingLogQuery, BillingLogQueryVariables>;
  "\n  query Clock {\n    clock {\n      now\n      frozen\n      duePeriods\n    }\n  }\n": Document<ClockQuery, ClockQueryVariables>;
  "\n  query Corrections($customer: String!) {\n    invoices(customer: $customer, first: 50) {\n      nodes {\n        id\n        number\n        status\n        lines {\n          charge\n          amount\n          adjusts {\n            id\n          }\n        }\n      }\n    }\n  }\n": Document<CorrectionsQuery, CorrectionsQueryVariables>;
  "\n  query Coupons($first: Int!, $after: String) {\n    coupons(first: $first, after: $after) {\n      nodes {\n        key\n        name\n        percent\n        amount\n        currency\n        periods\n        createdAt\n      }\n      totalCount\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<CouponsQuery, CouponsQueryVariables>;
  "\n  query CurrentUsage($customer: String!) {\n    currentUsage(customer: $customer) {\n      subscriptionId\n      charge\n      meter\n      periodStart\n      periodEnd\n      quantity\n      amount\n      currency\n    }\n  }\n": Document<CurrentUsageQuery, CurrentUsageQueryVariables>;
  "\n  query Customer($key: String!) {\n    customer(key: $key) {\n      id\n      key\n      name\n      email\n      taxId\n      address {\n        line1\n        line2\n        postalCode\n        city\n        region\n        country\n      }\n      createdAt\n      archivedAt\n    }\n  }\n": Document<CustomerQuery, CustomerQueryVariables>;
  "\n  query CustomerMoney($customer: String!) {\n    customerBalance(customer: $customer) {\n      currency\n      owed\n      balance\n      creditsLeft\n    }\n    creditGrants(customer: $customer) {\n      id\n      key\n      name\n      currency\n      amount\n      remaining\n      expired\n      priority\n      expiresAt\n      voidedAt\n      createdAt\n    }\n    entitlement(customer: $customer) {\n      allowed\n      accrued\n      remaining\n      creditsLeft\n      currency\n    }\n  }\n": Document<CustomerMoneyQuery, CustomerMoneyQueryVariables>;
  "\n  query Customers($first: Int!, $after: String, $search: String, $archived: Boolean! = false) {\n    customers(first: $first, after: $after, search: $search, archived: $archived) {\n      nodes {\n        id\n        key\n        name\n        email\n        createdAt\n        archivedAt\n      }\n      totalCount\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<CustomersQuery, CustomersQueryVariables>;
  "\n  query DeadLetters {\n    deadLetters(first: 100) {\n      id\n      source\n      reason\n      attempts\n      bytes\n      seenAt\n    }\n  }\n": Document<DeadLettersQuery, DeadLettersQueryVariables>;
  "\n  query Deliveries(\n    $endpointId: ID\n    $eventType: String\n    $status: DeliveryStatus\n    $channel: DeliveryChannel\n    $first: Int!\n    $after: String\n  ) {\n    deliveries(\n      endpointId: $endpointId\n      eventType: $eventType\n      status: $status\n      channel: $channel\n      first: $first\n      after: $after\n    ) {\n      nodes {\n        id\n        eventId\n        eventType\n        channel\n        endpointId\n        recipient\n        status\n        createdAt\n        finishedAt\n        nextAttemptAt\n        attemptCount\n      }\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<DeliveriesQuery, DeliveriesQueryVariables>;
  "\n  query Delivery($id: ID!) {\n    delivery(id: $id) {\n      id\n      eventId\n      eventType\n      status\n      createdAt\n      finishedAt\n      nextAttemptAt\n      attemptCount\n      attempts {\n        number\n        at\n        milliseconds\n        statusCode\n        error\n        response\n      }\n    }\n  }\n": Document<DeliveryQuery, DeliveryQueryVariables>;
  "\n  query DeliveryDeadLetters {\n    deliveryDeadLetters(first: 100) {\n      id\n      source\n      reason\n      attempts\n      bytes\n      seenAt\n      retryAt\n    }\n  }\n": Document<DeliveryDeadLettersQuery, DeliveryDeadLettersQueryVariables>;
  "\n  query EmbedOrigins {\n    org {\n      id\n      embedOrigins\n    }\n  }\n": Document<EmbedOriginsQuery, EmbedOriginsQueryVariables>;
  "\n  query Event($key: String!) {\n    event(idempotencyKey: $key) {\n      idempotencyKey\n      type\n      customer: customerKey\n      timestamp\n      properties: propertiesText\n      receivedAt\n      batchId\n      correctedBy\n      corrects {\n        idempotencyKey\n        replaces\n      }\n    }\n  }\n": Document<EventQuery, EventQueryVariables>;
  "\n  query InvoiceLineEvents($invoiceId: ID!, $ordinal: Int!, $first: Int!, $after: String) {\n    invoiceLineEvents(invoiceId: $invoiceId, ordinal: $ordinal, first: $first, after: $after) {\n      nodes {\n        idempotencyKey\n        type\n        timestamp\n        receivedAt\n        properties\n      }\n      totalCount\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<InvoiceLineEventsQuery, InvoiceLineEventsQueryVariables>;
  "\n  query Invoices($first: Int!, $after: String, $customer: String, $status: InvoiceStatus) {\n    invoices(first: $first, after: $after, customer: $customer, status: $status) {\n      nodes {\n        id\n        number\n        customer: customerKey\n        subscriptionId\n        status\n        currency\n        periodStart\n        periodEnd\n        total\n        amountDue\n      }\n      totalCount\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<InvoicesQuery, InvoicesQueryVariables>;
  "\n  query Ledger($customer: String!, $first: Int!, $after: String) {\n    ledger(customer: $customer, first: $first, after: $after) {\n      nodes {\n        id\n        transactionId\n        account\n        amount\n        currency\n        kind\n        invoiceId\n        createdAt\n      }\n      totalCount\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<LedgerQuery, LedgerQueryVariables>;
  "\n  query Mail {\n    notificationAddresses {\n      id\n      email\n      description\n      eventTypes\n      status\n      reason\n      createdAt\n    }\n    notificationSettings {\n      invoicesToCustomers\n    }\n    eventTypes {\n      name\n    }\n  }\n": Document<MailQuery, MailQueryVariables>;
  "\n  query Me {\n    me {\n      userId\n      email\n      role\n      scopes\n      org {\n        id\n        name\n        currency\n        timeZone\n        sandbox\n      }\n    }\n  }\n": Document<MeQuery, MeQueryVariables>;
  "\n  query Members {\n    members {\n      userId\n      email\n      role\n      createdAt\n    }\n    invitations {\n      id\n      email\n      role\n      createdAt\n      expiresAt\n      revokedAt\n    }\n  }\n": Document<MembersQuery, MembersQueryVariables>;
  "\n  query Memberships {\n    memberships {\n      orgId\n      orgName\n      role\n    }\n  }\n": Document<MembershipsQuery, MembershipsQueryVariables>;
  "\n  query NotificationsLog($first: Int!, $after: String) {\n    log: notificationsAuditLog(first: $first, after: $after) {\n      nodes {\n        id\n        at\n        action\n        actorId\n        actorKind\n        subject\n        detail\n      }\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<NotificationsLogQuery, NotificationsLogQueryVariables>;
  "\n  query Operations {\n    operations {\n      eventsLastMinute\n      eventsLastHour\n      eventsLastDay\n      slowestMilliseconds\n      countedThrough\n      busiestOrgs {\n        orgId\n        events\n      }\n      heldOrgs {\n        orgId\n        code\n        invoices\n        dueSince\n      }\n      unpublished\n      unpublishedSince\n      deadLetters\n      deadLettersSince\n      openDifferences\n    }\n  }\n": Document<OperationsQuery, OperationsQueryVariables>;
  "\n  query OrgActivity($orgIds: [ID!]!) {\n    orgActivity(orgIds: $orgIds) {\n      orgId\n      eventsLastHour\n      heldInvoices\n      deadLetters\n    }\n  }\n": Document<OrgActivityQuery, OrgActivityQueryVariables>;
  "\n  query OrgLog($first: Int!, $after: String) {\n    log: auditLog(first: $first, after: $after) {\n      nodes {\n        id\n        at\n        action\n        actorId\n        actorKind\n        subject\n        detail\n      }\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<OrgLogQuery, OrgLogQueryVariables>;
  "\n  query OrgNames($ids: [ID!]!, $first: Int!) {\n    orgs(ids: $ids, first: $first) {\n      nodes {\n        id\n        name\n      }\n    }\n  }\n": Document<OrgNamesQuery, OrgNamesQueryVariables>;
  "\n  query Orgs($first: Int!, $after: String, $search: String) {\n    orgs(first: $first, after: $after, search: $search) {\n      nodes {\n        id\n        name\n        sandbox\n        createdAt\n      }\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<OrgsQuery, OrgsQueryVariables>;
  "\n  query Overview {\n    meters {\n      key\n      name\n      aggregation\n    }\n    plans {\n      key\n      current {\n        id\n      }\n    }\n    customers(first: 1) {\n      totalCount\n    }\n    subscriptions(first: 100) {\n      totalCount\n      nodes {\n        id\n        customer: customerKey\n        status\n      }\n    }\n    drafts: invoices(first: 1, status: DRAFT) {\n      totalCount\n    }\n    finalized: invoices(first: 1, status: FINALIZED) {\n      totalCount\n    }\n    paid: invoices(first: 1, status: PAID) {\n      totalCount\n    }\n    recentEvents(limit: 1) {\n      receivedAt\n    }\n    heldInvoices {\n      subscriptionId\n    }\n    reconciliation {\n      lastCheckedAt\n      driftFound\n      driftRepaired\n    }\n  }\n": Document<OverviewQuery, OverviewQueryVariables>;
  "\n  query PlansLog($first: Int!, $after: String) {\n    log: plansAuditLog(first: $first, after: $after) {\n      nodes {\n        id\n        at\n        action\n        actorId\n        actorKind\n        subject\n        detail\n      }\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<PlansLogQuery, PlansLogQueryVariables>;
  "\n  query PortalInvoices($first: Int!, $after: String) {\n    portal {\n      subscriptions(first: 50) {\n        nodes {\n          id\n          timeZone\n        }\n      }\n      invoices(first: $first, after: $after) {\n        nodes {\n          id\n          number\n          status\n          currency\n          periodStart\n          periodEnd\n          total\n          tax\n          pdfUrl\n          lines {\n            name\n            kind\n            quantity\n            amount\n            explanation {\n              label\n              quantity\n              unitPrice\n              divisor\n              amount\n              children {\n                label\n                quantity\n                unitPrice\n                divisor\n                amount\n              }\n            }\n          }\n        }\n        endCursor\n        hasNextPage\n      }\n    }\n  }\n": Document<PortalInvoicesQuery, PortalInvoicesQueryVariables>;
  "\n  query PortalUsage {\n    portal {\n      customer {\n        name\n      }\n      currentUsage {\n        subscriptionId\n        charge\n        meter\n        periodStart\n        periodEnd\n        quantity\n        amount\n        currency\n      }\n      subscriptions(first: 50) {\n        nodes {\n          id\n          planKey\n          timeZone\n        }\n      }\n    }\n  }\n": Document<PortalUsageQuery, PortalUsageQueryVariables>;
  "\n  query Quality {\n    heldInvoices {\n      subscriptionId\n      customer\n      code\n      message\n      periodStart\n      periodEnd\n      tries\n      retryAt\n    }\n  }\n": Document<QualityQuery, QualityQueryVariables>;
  "\n  query RecentEvents($limit: Int!) {\n    recentEvents(limit: $limit) {\n      idempotencyKey\n      type\n      customer: customerKey\n      timestamp\n      properties: propertiesText\n      receivedAt\n      batchId\n      correctedBy\n      corrects {\n        idempotencyKey\n        replaces\n      }\n    }\n  }\n": Document<RecentEventsQuery, RecentEventsQueryVariables>;
  "\n  query Reconciliation {\n    reconciliation {\n      lastCheckedAt\n      lastPassAt\n      bucketsInLastPass\n      driftFound\n      driftRepaired\n      findings {\n        kind\n        place\n        bucketStart\n        stored\n        expected\n        foundAt\n        repairedAt\n      }\n    }\n  }\n": Document<ReconciliationQuery, ReconciliationQueryVariables>;
  "\n  query Settings {\n    invoiceSettings {\n      legalName\n      address {\n        line1\n        line2\n        postalCode\n        city\n        region\n        country\n      }\n      taxId\n      email\n      paymentDays\n      note\n      footer\n      accentColor\n      figures\n      logo {\n        contentType\n        data\n      }\n    }\n    invoiceTiming {\n      graceMinutes\n      reviewHours\n    }\n  }\n": Document<SettingsQuery, SettingsQueryVariables>;
  "\n  query SubscriptionExtras($subscriptionId: ID!) {\n    appliedCoupons(subscriptionId: $subscriptionId) {\n      coupon\n      appliedAt\n    }\n    oneOffCharges(subscriptionId: $subscriptionId) {\n      key\n      name\n      amount\n      at\n    }\n  }\n": Document<SubscriptionExtrasQuery, SubscriptionExtrasQueryVariables>;
  "\n  query Subscriptions($customer: String, $first: Int!, $after: String) {\n    subscriptions(customer: $customer, first: $first, after: $after) {\n      nodes {\n        id\n        customer: customerKey\n        planKey\n        planVersionId\n        status\n        start\n        end\n        trialEnd\n        interval\n        anchorDay\n        anchorMonth\n        creditUnused\n        timeZone\n        versions {\n          from\n          to\n          paused\n          planKey\n          planVersionId\n        }\n        warnings {\n          message\n          rule\n        }\n      }\n      totalCount\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<SubscriptionsQuery, SubscriptionsQueryVariables>;
  "\n  query ThresholdCrossings($first: Int!, $after: String) {\n    thresholdCrossings(first: $first, after: $after) {\n      nodes {\n        eventId\n        customer\n        subscriptionId\n        periodStart\n        periodEnd\n        crossedAt\n        value\n        reached\n        threshold {\n          key\n          name\n          on\n          currency\n        }\n      }\n      totalCount\n      endCursor\n      hasNextPage\n    }\n  }\n": Document<ThresholdCrossingsQuery, ThresholdCrossingsQueryVariables>;
  "\n  query Thresholds($archived: Boolean!) {\n    thresholds(archived: $archived) {\n      key\n      name\n      on\n      meter\n      charge\n      currency\n      plan\n      customer\n      values\n      createdAt\n      archivedAt\n    }\n  }\n": Document<ThresholdsQuery, ThresholdsQueryVariables>;
  "\n  query UsageOutbox {\n    usageOutbox {\n      batches\n      oldestReceivedAt\n    }\n  }\n": Document<UsageOutboxQuery, UsageOutboxQueryVariables>;
  "\n  query UsageReport($input: UsageReportInput!) {\n    usageReport(input: $input) {\n      meter\n      timeZone\n      window\n      from\n      to\n      previousFrom\n      groups {\n        customer\n        others\n        quantity\n        eventCount\n        previousQuantity\n        change\n        dimensions {\n          name\n          value\n        }\n        points {\n          start\n          end\n          quantity\n          eventCount\n        }\n      }\n    }\n  }\n": Document<UsageReportQuery, UsageReportQueryVariables>;
  "\n  query WebhookEndpoints($archived: Boolean!) {\n    webhookEndpoints(archived: $archived) {\n      id\n      url\n      description\n      eventTypes\n      inOrder\n      status\n      disabledReason\n      disabledAt\n      previousSecretUntil\n      createdAt\n    }\n    eventTypes {\n      name\n    }\n  }\n": Document<WebhookEndpointsQuery, WebhookEndpointsQueryVariables>;
  "\n  query WhatIf($planVersionId: ID!, $from: DateTime!, $to: DateTime!, $after: String) {\n    whatIf(planVersionId: $planVersionId, from: $from, to: $to, first: 20, after: $after) {\n      currency\n      totalNow\n      totalThen\n      winners\n      losers\n      unchanged\n      hasNextPage\n      endCursor\n      periods {\n        difference\n        now {\n          customer\n          subscriptionId\n          periodStart\n          periodEnd\n          total\n        }\n        then {\n          total\n        }\n      }\n    }\n  }\n": Document<WhatIfQuery, WhatIfQueryVariables>;
}
