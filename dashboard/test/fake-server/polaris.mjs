import { graphql, GraphQLError } from 'graphql';
import { readSchema } from './schema.mjs';

const DAY = 86_400_000;
const id = (number) => `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`;
const hash = (text) => text.repeat(64).slice(0, 64);

/**
 * The part of Polaris that the dashboard needs, in memory: real schema, invented data. `refuse` makes a root field fail:
 * `polaris.refuse.set('usage', { code: 'UNAVAILABLE', message: '…' })`.
 */
export function createPolaris({ now = () => Date.now(), empty = false } = {}) {
  const schema = readSchema();
  const refuse = new Map();
  const calls = [];
  const monthStart = (offset) => {
    const date = new Date(now());
    return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1)).toISOString();
  };

  const org = { id: id(1), name: 'Northwind Cloud', currency: 'USD', timeZone: 'UTC', createdAt: monthStart(-3) };
  const viewer = { userId: id(2), email: 'demo@polaris.example', role: 'owner', scopes: ['read', 'admin'], org };
  const meters = [
    { key: 'api_calls', name: 'API calls', eventType: 'api.call', aggregation: 'COUNT', property: null, filters: [] },
    { key: 'tokens', name: 'Tokens', eventType: 'api.call', aggregation: 'SUM', property: 'tokens', filters: [] },
    {
      key: 'peak_memory',
      name: 'Peak memory',
      eventType: 'job.run',
      aggregation: 'MAX',
      property: 'memory_mb',
      filters: [{ property: 'region', equals: 'eu' }],
    },
  ].map((meter, index) => ({ id: id(10 + index), createdAt: monthStart(-2), ...meter }));
  const tiers = [
    { upTo: '100', unitPrice: '0', flatFee: '0' },
    { upTo: '400', unitPrice: '0.02', flatFee: '0' },
    { upTo: null, unitPrice: '0.015', flatFee: '10' },
  ];
  const version = {
    id: id(21),
    planKey: 'pro',
    number: 1,
    status: 'PUBLISHED',
    hash: hash('4359'),
    publishedAt: monthStart(-2),
    charges: [
      { key: 'base', name: 'Platform fee', meter: null, price: { model: 'FLAT', amount: '49.00' } },
      { key: 'api_calls', name: 'API calls', meter: 'api_calls', price: { model: 'GRADUATED', tiers } },
      {
        key: 'tokens',
        name: 'Tokens',
        meter: 'tokens',
        price: { model: 'PACKAGE', packageSize: '10000', packagePrice: '0.25', freeUnits: '50000' },
      },
    ],
  };
  const plans = [
    {
      id: id(20),
      key: 'pro',
      name: 'Pro',
      currency: 'USD',
      interval: 'MONTH',
      versions: [version],
      current: version,
      createdAt: monthStart(-2),
    },
  ];
  const customers = Array.from({ length: 60 }, (_, index) => ({
    id: id(100 + index),
    key: index === 0 ? 'acme' : index === 1 ? 'a/b & co' : `customer-${String(index).padStart(3, '0')}`,
    name: index === 0 ? 'Acme Robotics' : index === 1 ? 'Slash & Co' : `Customer ${index}`,
    email: index % 3 === 0 ? `billing@customer-${index}.example` : null,
    createdAt: monthStart(-2),
  })).sort((a, b) => (a.key < b.key ? -1 : 1));
  const invoices = Array.from({ length: 45 }, (_, index) => {
    const number = 45 - index;
    return {
      id: id(1000 + number),
      number: `INV-${String(number).padStart(8, '0')}`,
      customer: customers[index].key,
      subscriptionId: id(500 + index),
      status: index % 3 === 1 ? 'FINALIZED' : 'DRAFT',
      currency: 'USD',
      periodStart: monthStart(-1),
      periodEnd: monthStart(0),
      total: '65.93',
      createdAt: monthStart(0),
      finalizedAt: index % 3 === 1 ? monthStart(0) : null,
      certificate: { planVersionHash: version.hash, engineVersion: '1', resultHash: hash('c12d') },
      lines: [
        line('base', 'Platform fee', null, '1', '49', '49.00', 0, [['Flat fee', '1', '49', '49']]),
        line('api_calls', 'API calls', 'api_calls', '462', '16.93', '16.93', 462, [
          ['Above 0 up to 100', '100', '0', '0'],
          ['Above 100 up to 400', '300', '0.02', '6'],
          ['Above 400', '62', '0.015', '0.93'],
          ['Above 400, flat fee', '1', '10', '10'],
        ]),
        line('tokens', 'Tokens', 'tokens', '0', '0', '0.00', 0, []),
      ],
    };
  });
  const apiKeys = [
    {
      id: id(60),
      name: 'First key',
      prefix: 'pk_992a8990',
      scopes: ['ingest', 'read', 'admin'],
      backfill: false,
      createdAt: monthStart(-2),
      revokedAt: null,
    },
  ];
  const events = Array.from({ length: 120 }, (_, index) => ({
    idempotencyKey: `demo-${String(120 - index).padStart(4, '0')}`,
    type: index % 4 === 0 ? 'job.run' : 'api.call',
    customer: customers[index % 5].key,
    timestamp: new Date(now() - index * 40_000).toISOString(),
    receivedAt: new Date(now() - index * 40_000 + 900).toISOString(),
    batchId: id(7000 + Math.floor(index / 10)),
    properties: `{"endpoint":"/v1/translate","tokens":${1000 + index}.123456789,"user":"user-${index % 7}"}`,
  }));

  const usagePoints = ({ from, to, window }) => {
    const length = { QUARTER_HOUR: 900_000, HOUR: 3_600_000, DAY }[window];
    const points = [];
    const end = Date.parse(to);
    for (let start = Date.parse(from); start < end; start += length) {
      let count = 0;
      for (let bucket = start; bucket < Math.min(start + length, end); bucket += 900_000)
        count += Math.round(40 + 30 * Math.sin((bucket / DAY) * 2 * Math.PI) + 20 * Math.sin(bucket / DAY));
      points.push({ start: new Date(start).toISOString(), quantity: String(count), eventCount: count });
    }
    return points;
  };
  const page = (all, { first, after }, cursor) => {
    const start = after ? all.findIndex((one) => cursor(one) === after) + 1 : 0;
    const nodes = all.slice(start, start + first);
    return {
      nodes,
      totalCount: all.length,
      endCursor: nodes.length > 0 ? cursor(nodes.at(-1)) : null,
      hasNextPage: start + first < all.length,
    };
  };
  const or = (value) => (empty ? [] : value);
  const found = (value, what) => {
    if (!value) throw refusal({ code: 'NOT_FOUND', message: `There is no such ${what}.` });
    return value;
  };

  const root = {
    me: () => viewer,
    clock: () => ({ now: new Date(now()).toISOString(), frozen: false, duePeriods: 0 }),
    meters: () => or(meters),
    plans: () => or(plans),
    apiKeys: () => or(apiKeys),
    recentEvents: ({ limit }) => or(events).slice(0, limit),
    event: ({ idempotencyKey }) => events.find((event) => event.idempotencyKey === idempotencyKey) ?? null,
    customers: ({ search, ...paging }) =>
      page(
        or(customers).filter(({ key, name }) => !search || (key + name).toLowerCase().includes(search.toLowerCase())),
        paging,
        ({ key }) => key,
      ),
    customer: ({ key }) => customers.find((customer) => customer.key === key) ?? null,
    subscriptions: ({ customer, ...paging }) =>
      page(
        or([
          {
            id: id(500),
            customer,
            planKey: 'pro',
            planVersionId: version.id,
            start: monthStart(-1),
            end: null,
            anchorDay: 1,
            timeZone: 'UTC',
          },
        ]),
        paging,
        (subscription) => subscription.id,
      ),
    currentUsage: () =>
      or([
        {
          subscriptionId: id(500),
          charge: 'api_calls',
          meter: 'api_calls',
          periodStart: monthStart(0),
          periodEnd: monthStart(1),
          quantity: '397',
          amount: '5.94',
          currency: 'USD',
        },
      ]),
    usage: ({ from, to, meter }) => {
      found(
        meters.find(({ key }) => key === meter),
        'meter',
      );
      const total = usagePoints({ from, to, window: 'HOUR' }).reduce((sum, point) => sum + point.eventCount, 0);
      return { meter, from, to, quantity: empty ? '0' : String(total), eventCount: empty ? 0 : total };
    },
    usageTimeline: (range) => usagePoints(range),
    invoices: ({ customer, status, ...paging }) =>
      page(
        or(invoices).filter((one) => (!customer || one.customer === customer) && (!status || one.status === status)),
        paging,
        ({ number }) => number,
      ),
    invoice: (wanted) => invoices.find((invoice) => invoice.id === wanted.id) ?? null,
    recomputeInvoice: (wanted) => {
      const { resultHash } = found(
        invoices.find((invoice) => invoice.id === wanted.id),
        'invoice',
      ).certificate;
      return { invoiceId: wanted.id, identical: true, resultHash, recomputedHash: resultHash, differences: [] };
    },
    finalizeInvoice: (wanted) => {
      const invoice = found(
        invoices.find((one) => one.id === wanted.id),
        'invoice',
      );
      return Object.assign(invoice, { status: 'FINALIZED', finalizedAt: new Date(now()).toISOString() });
    },
    signUp: ({ input }) => ({
      userId: id(3),
      emailProof: 'proof_of-the-address',
      org: { ...org, name: input.orgName },
      apiKey: { key: apiKeys[0], secret: 'pk_3f9a1c2b_signup-secret' },
    }),
    proveEmail: () => ({ userId: id(3), email: 'ada@example.org' }),
    createApiKey: ({ input }) => {
      const key = {
        id: id(61 + apiKeys.length),
        prefix: 'pk_0b1c6ff3',
        createdAt: new Date(now()).toISOString(),
        revokedAt: null,
        ...input,
        backfill: input.backfill ?? false,
      };
      apiKeys.unshift(key);
      return { key, secret: 'pk_0b1c6ff3_created-secret' };
    },
    revokeApiKey: (wanted) =>
      Object.assign(
        apiKeys.find((key) => key.id === wanted.id),
        { revokedAt: new Date(now()).toISOString() },
      ),
  };
  const rootValue = Object.fromEntries(
    Object.keys(root).map((field) => [
      field,
      (variables) => {
        calls.push({ field, variables });
        if (refuse.has(field)) throw refusal(refuse.get(field));
        return root[field](variables);
      },
    ]),
  );

  return {
    /** What a test may change before or between requests. */
    root,
    viewer,
    refuse,
    calls,
    execute: ({ query, variables }) => graphql({ schema, source: query, variableValues: variables, rootValue }),
  };
}

function refusal({ message, ...extensions }) {
  return new GraphQLError(message, { extensions });
}

function line(charge, name, meter, quantity, unroundedAmount, amount, eventCount, steps) {
  return {
    charge,
    name,
    meter,
    quantity,
    unroundedAmount,
    amount,
    eventCount,
    eventDigest: 'a2913173d7758893',
    kind: 'CHARGE',
    adjusts: null,
    explanation: steps.map(([label, stepQuantity, unitPrice, stepAmount]) => ({
      label,
      quantity: stepQuantity,
      unitPrice,
      amount: stepAmount,
    })),
  };
}
