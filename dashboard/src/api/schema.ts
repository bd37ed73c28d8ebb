/** The part of the public GraphQL schema that the dashboard reads. test/contract.test.ts validates the queries against the schema. */

/** An exact decimal as a string. Format it with format/decimal.ts, never with Number. */
export type Decimal = string;
/** ISO 8601, UTC. */
export type DateTime = string;

export type Page<T> = { nodes: T[]; totalCount: number; endCursor: string | null; hasNextPage: boolean };

export type Org = { id: string; name: string; currency: string; timeZone: string };
export type Viewer = { userId: string | null; email: string | null; role: string | null; scopes: string[]; org: Org };
export type OrgClock = { now: DateTime; frozen: boolean };

export type ApiKey = {
  id: string;
  name: string;
  prefix: string;
  scopes: string[];
  backfill: boolean;
  createdAt: DateTime;
  revokedAt: DateTime | null;
};

export type MeterAggregation = 'COUNT' | 'SUM' | 'MAX' | 'UNIQUE_COUNT' | 'MIN' | 'AVERAGE' | 'LATEST' | 'WEIGHTED_SUM';
export type Meter = {
  id: string;
  key: string;
  name: string;
  eventType: string;
  aggregation: MeterAggregation;
  property: string | null;
  filters: { property: string; equals: string }[];
  eventFee?: EventFee | null;
  createdAt: DateTime;
};
export type EventFee = { percent: Decimal; fixed: Decimal | null; minimum: Decimal | null; maximum: Decimal | null };

export type Tier = {
  upTo: Decimal | null;
  unitPrice: Decimal;
  flatFee: Decimal;
  percent?: Decimal | null;
  packageSize?: Decimal | null;
};
export type PriceModel =
  'FLAT' | 'PER_UNIT' | 'GRADUATED' | 'VOLUME' | 'PACKAGE' | 'STAIR_STEP' | 'PERCENTAGE' | 'GRADUATED_PERCENTAGE';
export type Price = {
  model: PriceModel;
  amount: Decimal | null;
  unitPrice: Decimal | null;
  tiers: Tier[] | null;
  packageSize: Decimal | null;
  packagePrice: Decimal | null;
  freeUnits: Decimal | null;
  packageRounding?: 'UP' | 'DOWN' | null;
  percent?: Decimal | null;
  feePerEvent?: Decimal | null;
  freeAmount?: Decimal | null;
  freeEvents?: number | null;
  flatFeeAtZero?: boolean | null;
};
export type Charge = { key: string; name: string; meter: string | null; price: Price };
export type PlanVersion = {
  id: string;
  number: number;
  status: 'DRAFT' | 'PUBLISHED' | 'ARCHIVED';
  hash: string;
  publishedAt: DateTime | null;
  charges: Charge[];
};
export type Plan = {
  id: string;
  key: string;
  name: string;
  currency: string;
  interval: 'MONTH';
  current: { id: string } | null;
  versions: PlanVersion[];
};

export type UsageEvent = {
  idempotencyKey: string;
  type: string;
  customer: string;
  timestamp: DateTime;
  properties: string;
  receivedAt: DateTime;
  batchId: string;
};

export type Customer = { id: string; key: string; name: string; email: string | null; createdAt: DateTime };
export type Subscription = {
  id: string;
  customer: string;
  planKey: string;
  planVersionId: string;
  start: DateTime;
  end: DateTime | null;
  anchorDay: number;
  timeZone: string;
};
export type CurrentUsage = {
  subscriptionId: string;
  charge: string;
  meter: string;
  periodStart: DateTime;
  periodEnd: DateTime;
  quantity: Decimal;
  amount: Decimal;
  currency: string;
};

export type UsageWindow = 'QUARTER_HOUR' | 'HOUR' | 'DAY';
export type UsagePoint = { start: DateTime; quantity: Decimal; eventCount: number };
export type Usage = { quantity: Decimal; eventCount: number };

export type InvoiceStatus = 'DRAFT' | 'FINALIZED' | 'PAID' | 'VOID';
export type InvoiceSummary = {
  id: string;
  /** Null on a draft: an invoice is numbered when it is finalized. */
  number: string | null;
  customer: string;
  status: InvoiceStatus;
  currency: string;
  periodStart: DateTime;
  periodEnd: DateTime;
  total: Decimal;
};
export type ExplanationStep = { label: string; quantity: Decimal; unitPrice: Decimal; amount: Decimal };
export type InvoiceLine = {
  charge: string;
  name: string;
  meter: string | null;
  quantity: Decimal;
  unroundedAmount: Decimal;
  amount: Decimal;
  eventCount: number;
  eventDigest: string;
  explanation: ExplanationStep[];
  kind: 'CHARGE' | 'ADJUSTMENT';
  /** The earlier invoice that an adjustment corrects; null on a charge. */
  adjusts: { id: string; number: string } | null;
};
export type Invoice = InvoiceSummary & {
  subscriptionId: string;
  createdAt: DateTime;
  finalizedAt: DateTime | null;
  lines: InvoiceLine[];
  certificate: { planVersionHash: string; engineVersion: string; resultHash: string };
};
export type Recomputation = {
  invoiceId: string;
  identical: boolean;
  resultHash: string;
  recomputedHash: string;
  differences: { charge: string; field: string; stored: string; recomputed: string }[];
};
