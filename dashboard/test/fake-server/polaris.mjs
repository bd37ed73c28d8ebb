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

  const org = {
    id: id(1),
    name: 'Northwind Cloud',
    currency: 'USD',
    timeZone: 'UTC',
    createdAt: monthStart(-3),
    sandbox: true,
    embedOrigins: ['https://app.northwind.example'],
  };
  const viewer = {
    userId: id(2),
    email: 'demo@polaris.example',
    role: 'owner',
    scopes: ['read', 'admin', 'platform.read'],
    org,
  };
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
    {
      key: 'payments',
      name: 'Payments',
      eventType: 'payment',
      aggregation: 'SUM',
      property: 'amount',
      filters: [],
      eventFee: { percent: '2.9', fixed: null, minimum: '0.30', maximum: '5' },
    },
    {
      key: 'traffic',
      name: 'Traffic',
      eventType: 'traffic',
      aggregation: 'SUM',
      property: 'gb',
      filters: [],
      dimensions: ['region'],
    },
  ].map((meter, index) => ({
    id: id(10 + index),
    createdAt: monthStart(-2),
    dimensions: [],
    eventFee: null,
    archivedAt: null,
    ...meter,
  }));
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
      {
        key: 'traffic',
        name: 'Traffic',
        meter: 'traffic',
        price: { model: 'PER_UNIT', unitPrice: '0.10' },
        dimensionPrices: [{ values: ['eu'], price: { model: 'PER_UNIT', unitPrice: '0.08' } }],
        minimum: '2',
        maximum: '500',
        discounts: [{ key: 'early', name: 'Early', percent: '10', amount: null }],
        proration: 'DAYS',
      },
      {
        key: 'payments',
        name: 'Payments',
        meter: 'payments',
        price: {
          model: 'GRADUATED_PERCENTAGE',
          tiers: [
            { upTo: '1000', unitPrice: '0', flatFee: '0', percent: '1' },
            { upTo: null, unitPrice: '0', flatFee: '0', percent: '0.5' },
          ],
        },
        includedUnits: '100',
      },
    ].map((charge) => ({ dimensionPrices: [], discounts: [], ...charge })),
    terms: {
      commitment: { amount: '40', overageFactor: '1.5' },
      minimum: '50',
      maximum: '900',
      discounts: [{ key: 'loyal', name: 'Loyal', percent: '10', amount: null }],
      taxMode: 'EXCLUSIVE',
      taxes: [{ key: 'vat', name: 'VAT', percent: '19' }],
      proration: 'DAYS',
    },
  };
  const draftVersion = {
    ...version,
    id: id(22),
    number: 2,
    status: 'DRAFT',
    hash: hash('99aa'),
    publishedAt: null,
    terms: { ...version.terms, commitment: null, taxMode: 'INCLUSIVE' },
  };
  const plans = [
    {
      id: id(20),
      key: 'pro',
      name: 'Pro',
      currency: 'USD',
      interval: 'MONTH',
      versions: [version, draftVersion],
      archivedAt: null,
      current: version,
      createdAt: monthStart(-2),
    },
  ];
  const customers = Array.from({ length: 60 }, (_, index) => ({
    id: id(100 + index),
    key: index === 0 ? 'acme' : index === 1 ? 'a/b & co' : `customer-${String(index).padStart(3, '0')}`,
    name: index === 0 ? 'Acme Robotics' : index === 1 ? 'Slash & Co' : `Customer ${index}`,
    email: index % 3 === 0 ? `billing@customer-${index}.example` : null,
    taxId: index === 0 ? 'DE123456789' : null,
    address: index === 0 ? { line1: 'Sternstraße 7', postalCode: '50667', city: 'Köln', country: 'DE' } : null,
    createdAt: monthStart(-2),
    archivedAt: null,
  })).sort((a, b) => (a.key < b.key ? -1 : 1));
  const invoices = Array.from({ length: 45 }, (_, index) => {
    const number = 45 - index;
    return {
      id: id(1000 + number),
      number: `INV-${String(number).padStart(8, '0')}`,
      customerKey: customers[index].key,
      subscriptionId: id(500 + index),
      status: index % 3 === 1 ? 'FINALIZED' : 'DRAFT',
      currency: 'USD',
      periodStart: monthStart(-1),
      periodEnd: monthStart(0),
      total: '65.93',
      subtotal: '65.93',
      tax: '0.00',
      amountDue: index % 3 === 1 ? '65.93' : '0.00',
      creditsApplied: '0',
      balanceApplied: '0',
      creditNotes: [],
      htmlUrl: `/invoices/${id(1000 + number)}.html`,
      pdfUrl: `/invoices/${id(1000 + number)}.pdf`,
      csvUrl: `/invoices/${id(1000 + number)}.csv`,
      createdAt: monthStart(0),
      finalizedAt: index % 3 === 1 ? monthStart(0) : null,
      certificate: {
        planVersionHash: version.hash,
        planVersionHashes: [version.hash],
        engineVersion: '3',
        resultHash: hash('c12d'),
      },
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
  // The newest invoice of a/b & co has every kind of line and of step.
  Object.assign(invoices[1], {
    subtotal: '157.50',
    tax: '29.93',
    total: '187.43',
    amountDue: '187.43',
    creditNotes: [
      {
        id: id(900),
        number: 'CN-00000001',
        amount: '5.95',
        tax: '0.95',
        reason: 'goodwill',
        createdAt: monthStart(0),
      },
    ],
    lines: everyKind(invoices[1]),
  });
  const apiKeys = [
    {
      id: id(60),
      name: 'First key',
      prefix: 'pk_992a8990',
      scopes: ['ingest', 'read', 'admin'],
      backfill: false,
      createdAt: monthStart(-2),
      expiresAt: null,
      lastUsedAt: monthStart(0),
      rotatedAt: null,
      revokedAt: null,
    },
  ];
  const events = Array.from({ length: 120 }, (_, index) => ({
    idempotencyKey: `demo-${String(120 - index).padStart(4, '0')}`,
    type: index % 4 === 0 ? 'job.run' : 'api.call',
    customerKey: customers[index % 5].key,
    timestamp: new Date(now() - index * 40_000).toISOString(),
    receivedAt: new Date(now() - index * 40_000 + 900).toISOString(),
    batchId: id(7000 + Math.floor(index / 10)),
    correctedBy: index === 3 ? 'demo-0118' : null,
    corrects: index === 2 ? { idempotencyKey: 'demo-0117', replaces: true } : null,
    propertiesText: `{"endpoint":"/v1/translate","tokens":${1000 + index}.123456789,"user":"user-${index % 7}"}`,
    properties: `{"endpoint":"/v1/translate","tokens":${1000 + index}.123456789,"user":"user-${index % 7}"}`,
  }));

  const report = ({ input }) => {
    const { from, to, window = 'TOTAL', groupBy = [], top, comparePrevious, meter } = input;
    const [start, end] = [Date.parse(from), Date.parse(to)];
    const length = { QUARTER_HOUR: 900_000, HOUR: 3_600_000, DAY, WEEK: 7 * DAY, MONTH: 30 * DAY, TOTAL: end - start }[
      window
    ];
    const names =
      groupBy.length === 0
        ? [null]
        : groupBy[0] === 'CUSTOMER'
          ? customers.slice(0, Math.min(top ?? 9, 9)).map(({ key }) => key)
          : ['eu', 'us', ''];
    const groups = names.map((name, index) => {
      const points = [];
      for (let at = start; at < end; at += length) {
        let count = 0;
        for (let bucket = at; bucket < Math.min(at + length, end); bucket += 900_000)
          count += Math.round(
            (50 + 30 * Math.sin((bucket / DAY) * 2 * Math.PI) + 20 * Math.sin(bucket / DAY)) / (index + 1),
          );
        points.push({
          start: new Date(at).toISOString(),
          end: new Date(Math.min(at + length, end)).toISOString(),
          quantity: String(count),
          eventCount: count,
        });
      }
      const total = points.reduce((all, point) => all + point.eventCount, 0);
      return {
        customer: groupBy[0] === 'CUSTOMER' ? name : null,
        dimensions: name === null || groupBy[0] === 'CUSTOMER' ? [] : [{ name: groupBy[0], value: name }],
        others: false,
        quantity: String(total),
        eventCount: total,
        previousQuantity: comparePrevious ? String(total + 17 - index) : null,
        change: comparePrevious ? String(index - 17) : null,
        points,
      };
    });
    found(
      meters.find(({ key }) => key === meter),
      'meter',
    );
    return {
      meter,
      timeZone: input.timeZone ?? 'UTC',
      window,
      from,
      to,
      previousFrom: comparePrevious ? from : null,
      groups: empty ? [] : groups,
    };
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

  const thresholds = [
    {
      key: 'heavy-use',
      name: 'Heavy use',
      on: 'QUANTITY',
      meter: 'api_calls',
      charge: null,
      currency: null,
      plan: null,
      customer: null,
      values: ['80000', '100000'],
      createdAt: monthStart(-1),
      archivedAt: null,
    },
    {
      key: 'large-bill',
      name: 'Large bill',
      on: 'AMOUNT',
      meter: null,
      charge: null,
      currency: 'USD',
      plan: 'pro',
      customer: null,
      values: ['1000'],
      createdAt: monthStart(-1),
      archivedAt: null,
    },
  ];
  const coupons = [
    {
      key: 'spring',
      name: 'Spring',
      percent: '20',
      amount: null,
      currency: null,
      periods: 3,
      createdAt: monthStart(-1),
    },
  ];
  const ledgerEntry = (number, account, amount, kind) => ({
    id: String(number),
    transactionId: id(890),
    account,
    amount,
    currency: 'USD',
    kind,
    invoiceId: invoices[0].id,
    createdAt: monthStart(0),
  });
  const log = (action) => ({
    nodes: or([
      {
        id: '1',
        at: monthStart(0),
        action,
        actorId: viewer.userId,
        actorKind: 'user',
        subject: 'First key',
        detail: null,
      },
    ]),
    endCursor: '1',
    hasNextPage: false,
  });
  const preview = (total) => ({
    customer: 'acme',
    subscriptionId: id(500),
    currency: 'USD',
    periodStart: monthStart(-1),
    periodEnd: monthStart(0),
    total,
    tax: '0',
    lines: [],
  });

  const endpoints = [
    {
      url: 'https://hooks.northwind.example/polaris',
      description: 'The ledger',
      eventTypes: [],
      inOrder: true,
      status: 'ENABLED',
    },
    {
      url: 'https://ops.northwind.example/a-rather-long-path/that-goes-on/and-on?with=a-query',
      description: '',
      eventTypes: ['invoice.finalized', 'usage.threshold_crossed'],
      inOrder: false,
      status: 'DISABLED',
      disabledReason: 'failing',
      disabledAt: monthStart(0),
    },
  ].map((one, index) => ({
    id: id(600 + index),
    disabledReason: null,
    disabledAt: null,
    previousSecretUntil: null,
    createdAt: monthStart(-1),
    ...one,
  }));
  const attempt = (number, statusCode, error, response) => ({
    number,
    at: new Date(now() - 3_600_000 / number).toISOString(),
    milliseconds: 12 * number,
    statusCode,
    error,
    response,
  });
  const deliveries = [
    {
      eventType: 'invoice.finalized',
      status: 'DELIVERED',
      attempts: [attempt(2, 200, null, 'ok'), attempt(1, 503, 'The endpoint answered 503.', '<h1>Down</h1>')],
    },
    {
      eventType: 'usage.threshold_crossed',
      endpointId: id(601),
      status: 'FAILED',
      attempts: [attempt(1, null, 'No connection could be opened.', null)],
    },
    {
      eventType: 'invoice.generated',
      status: 'WAITING',
      nextAttemptAt: new Date(now() + 60_000).toISOString(),
      attempts: [],
    },
    {
      eventType: 'invoice.finalized',
      channel: 'EMAIL',
      endpointId: null,
      recipient: 'finance@northwind.example',
      status: 'DELIVERED',
      attempts: [attempt(1, 250, null, '2.0.0 Ok')],
    },
  ].map((one, index) => ({
    id: id(620 + index),
    eventId: id(640 + index),
    channel: 'WEBHOOK',
    endpointId: id(600),
    recipient: null,
    createdAt: new Date(now() - (index + 1) * 3_600_000).toISOString(),
    finishedAt: one.status === 'WAITING' ? null : new Date(now() - index * 3_600_000).toISOString(),
    nextAttemptAt: null,
    attemptCount: one.attempts.length,
    ...one,
  }));
  const addresses = [
    {
      id: id(660),
      email: 'finance@northwind.example',
      description: 'Finance',
      eventTypes: ['invoice.finalized'],
      status: 'ACTIVE',
      reason: null,
      createdAt: monthStart(-1),
    },
    {
      id: id(661),
      email: 'gone@northwind.example',
      description: '',
      eventTypes: ['invoice.finalized', 'usage.threshold_crossed'],
      status: 'BOUNCED',
      reason: '550 No such user here',
      createdAt: monthStart(-1),
    },
  ];
  const endpointOf = (wanted) =>
    found(
      endpoints.find((one) => one.id === wanted),
      'endpoint',
    );

  const services = ['billing', 'identity', 'ingestion', 'notifications', 'plans'].map((name) => ({
    name,
    healthy: name !== 'notifications',
    answer: name === 'notifications' ? null : 'Healthy',
  }));
  const orgs = [
    org,
    ...Array.from({ length: 59 }, (_, index) => ({
      ...org,
      id: id(3000 + index),
      name: index === 0 ? 'An org with a name that is longer than any column would like to be' : `Org ${index}`,
      sandbox: index % 4 === 0,
      createdAt: monthStart(-1),
    })),
  ];

  const root = {
    operations: () => ({
      at: new Date(now()).toISOString(),
      eventsLastMinute: 31_250,
      eventsLastHour: 1_874_020,
      eventsLastDay: 41_203_118,
      slowestMilliseconds: 840,
      countedThrough: new Date(now() - 17_000).toISOString(),
      busiestOrgs: or(orgs.slice(0, 8).map(({ id: orgId }, index) => ({ orgId, events: 900_000 - index * 100_000 }))),
      heldOrgs: or([{ orgId: orgs[1].id, code: 'quantity_too_large', invoices: 3, dueSince: monthStart(0) }]),
      unpublished: 2,
      unpublishedSince: new Date(now() - 1_000).toISOString(),
      deadLetters: 1,
      deadLettersSince: monthStart(0),
      openDifferences: 0,
    }),
    usageOutbox: () => ({ batches: 14, oldestReceivedAt: new Date(now() - 400).toISOString() }),
    orgs: ({ search, ids, ...paging }) =>
      page(
        or(orgs).filter(
          (one) =>
            (!search || one.id === search || one.name.toLowerCase().includes(search.toLowerCase())) &&
            (!ids || ids.includes(one.id)),
        ),
        paging,
        (one) => one.id,
      ),
    orgActivity: ({ orgIds }) =>
      orgIds.map((orgId, index) => ({
        orgId,
        eventsLastHour: index < 8 ? 900_000 - index * 100_000 : 0,
        heldInvoices: orgId === orgs[1].id ? 3 : 0,
        deadLetters: orgId === orgs[2].id ? 1 : 0,
      })),
    me: () => viewer,
    org: () => org,
    setEmbedOrigins: ({ origins }) => Object.assign(org, { embedOrigins: origins }),
    eventTypes: () =>
      ['invoice.finalized', 'invoice.generated', 'invoice.paid', 'usage.threshold_crossed'].map((name) => ({ name })),
    webhookEndpoints: ({ archived }) => or(endpoints).filter(({ status }) => archived || status !== 'ARCHIVED'),
    createWebhookEndpoint: ({ input }) => {
      const endpoint = {
        ...endpoints[0],
        id: id(600 + endpoints.length),
        inOrder: false,
        ...input,
        description: input.description ?? '',
        eventTypes: input.eventTypes ?? [],
      };
      endpoints.push(endpoint);
      return { secret: 'whsec_Y3JlYXRlZA==', endpoint };
    },
    updateWebhookEndpoint: ({ input }) => Object.assign(endpointOf(input.id), input),
    rotateWebhookSecret: (wanted) => ({ secret: 'whsec_cm90YXRlZA==', endpoint: endpointOf(wanted.id) }),
    enableWebhookEndpoint: (wanted) =>
      Object.assign(endpointOf(wanted.id), { status: 'ENABLED', disabledReason: null, disabledAt: null }),
    disableWebhookEndpoint: (wanted) =>
      Object.assign(endpointOf(wanted.id), {
        status: 'DISABLED',
        disabledReason: 'by_user',
        disabledAt: new Date(now()).toISOString(),
      }),
    archiveWebhookEndpoint: (wanted) => Object.assign(endpointOf(wanted.id), { status: 'ARCHIVED' }),
    testWebhookEndpoint: () => deliveries[0],
    deliveries: ({ endpointId, eventType, status, channel, ...paging }) =>
      page(
        or(deliveries).filter(
          (one) =>
            (!endpointId || one.endpointId === endpointId) &&
            (!eventType || one.eventType === eventType) &&
            (!status || one.status === status) &&
            (!channel || one.channel === channel),
        ),
        paging,
        (one) => one.id,
      ),
    delivery: (wanted) => deliveries.find((one) => one.id === wanted.id) ?? null,
    resendDelivery: (wanted) =>
      Object.assign(
        found(
          deliveries.find((one) => one.id === wanted.id),
          'delivery',
        ),
        { status: 'WAITING' },
      ),
    // Two calls, as for more events than one may send.
    resendEvents: ({ input }) =>
      input.from === monthStart(0) ? { count: 5, continueFrom: null } : { count: 1000, continueFrom: monthStart(0) },
    notificationAddresses: () => or(addresses),
    notificationSettings: () => ({ invoicesToCustomers: true }),
    createNotificationAddress: ({ input }) => {
      addresses.push({
        ...addresses[0],
        id: id(660 + addresses.length),
        ...input,
        description: input.description ?? '',
      });
      return addresses.at(-1);
    },
    updateNotificationAddress: ({ input }) =>
      Object.assign(
        addresses.find((one) => one.id === input.id),
        input,
        { status: 'ACTIVE', reason: null },
      ),
    archiveNotificationAddress: (wanted) =>
      Object.assign(
        addresses.find((one) => one.id === wanted.id),
        { status: 'ARCHIVED' },
      ),
    updateNotificationSettings: ({ invoicesToCustomers }) => ({ invoicesToCustomers }),
    deliveryDeadLetters: () =>
      or([
        {
          id: id(680),
          source: 'billing-events/0@17',
          reason: 'A type of event that this version does not know.',
          attempts: 3,
          bytes: 210,
          seenAt: monthStart(0),
          retryAt: null,
        },
      ]),
    notificationsAuditLog: () => log('createWebhookEndpoint'),
    preview: ({ customer }) =>
      or([
        {
          subscriptionId: id(500),
          customer,
          currency: 'USD',
          periodStart: monthStart(0),
          periodEnd: monthStart(1),
          tax: '10.44',
          total: '65.38',
          lines: [
            line('base', 'Platform fee', null, '1', '49', '49.00', 0, [['Flat fee', '1', '49', '49']]),
            line('api_calls', 'API calls', 'api_calls', '397', '5.94', '5.94', 397, [
              ['Above 0 up to 100', '100', '0', '0'],
              ['Above 100 up to 400', '297', '0.02', '5.94'],
            ]),
            line('vat', 'VAT', null, '0', '10.4386', '10.44', 0, [['On 54.94', '54.94', '0.19', '10.4386']], 'TAX'),
          ],
        },
      ]),
    customerBalance: () => or([{ currency: 'USD', owed: '65.93', balance: '12.00', creditsLeft: '80.00' }]),
    creditGrants: ({ customer }) =>
      or([
        {
          id: id(800),
          customer,
          key: 'welcome',
          name: 'Welcome',
          currency: 'USD',
          amount: '100',
          remaining: '80',
          expired: '0',
          priority: 1,
          expiresAt: monthStart(3),
          voidedAt: null,
          createdAt: monthStart(-1),
        },
      ]),
    entitlement: () => ({ allowed: true, accrued: '65.38', remaining: '14.62', creditsLeft: '80', currency: 'USD' }),
    ledger: ({ customer, ...paging }) =>
      page(
        or([ledgerEntry(1, 'receivable', '65.93', 'invoice'), ledgerEntry(2, 'revenue', '-65.93', 'invoice')]).filter(
          () => customer !== '',
        ),
        paging,
        (entry) => entry.id,
      ),
    appliedCoupons: ({ subscriptionId }) => or([{ subscriptionId, coupon: 'spring', appliedAt: monthStart(-1) }]),
    oneOffCharges: ({ subscriptionId }) =>
      or([{ subscriptionId, key: 'setup', name: 'Setup', amount: '25', at: monthStart(0) }]),
    thresholds: () => or(thresholds),
    thresholdCrossings: (paging) =>
      page(
        or([
          {
            eventId: id(850),
            customer: 'acme',
            subscriptionId: id(500),
            periodStart: monthStart(0),
            periodEnd: monthStart(1),
            crossedAt: monthStart(0),
            value: '80000',
            reached: '80012',
            threshold: thresholds[0],
          },
        ]),
        paging,
        (one) => one.eventId,
      ),
    coupons: (paging) => page(or(coupons), paging, ({ key }) => key),
    reconciliation: () => ({
      lastCheckedAt: new Date(now() - 4_000).toISOString(),
      lastPassAt: monthStart(0),
      bucketsInLastPass: 1234,
      driftFound: 1,
      driftRepaired: 1,
      findings: or([
        {
          kind: 'BUCKET',
          place: 'api_calls of acme',
          bucketStart: monthStart(0),
          stored: '12 events',
          expected: '13 events',
          foundAt: monthStart(0),
          repairedAt: monthStart(0),
        },
      ]),
    }),
    heldInvoices: () =>
      or([
        {
          subscriptionId: id(501),
          customer: 'a/b & co',
          code: 'quantity_too_large',
          message: 'The quantity of the meter is beyond what can be billed.',
          periodStart: monthStart(-1),
          periodEnd: monthStart(0),
          tries: 3,
          retryAt: new Date(now() + 60_000).toISOString(),
        },
      ]),
    deadLetters: () =>
      or([
        {
          id: id(860),
          source: 'usage',
          reason: 'The record is not a batch.',
          attempts: 1,
          bytes: 120,
          seenAt: monthStart(0),
          resolvedAt: null,
        },
      ]),
    members: () => [
      { userId: id(2), email: viewer.email, role: 'owner', createdAt: monthStart(-3) },
      { userId: id(4), email: 'bo@polaris.example', role: 'billing', createdAt: monthStart(-1) },
    ],
    invitations: () =>
      or([
        {
          id: id(870),
          email: 'cy@polaris.example',
          role: 'viewer',
          createdAt: monthStart(0),
          expiresAt: monthStart(1),
          invitedBy: id(2),
          revokedAt: null,
        },
      ]),
    memberships: () => [{ orgId: org.id, orgName: org.name, role: 'owner' }],
    auditLog: () => log('api_key.created'),
    plansAuditLog: () => log('meter.created'),
    billingAuditLog: () => log('invoice.finalized'),
    invoiceSettings: () => ({
      legalName: 'Northwind Cloud GmbH',
      address: null,
      taxId: null,
      email: null,
      paymentDays: 14,
      note: null,
      footer: null,
      accentColor: null,
      figures: 'POINT',
      logo: null,
    }),
    invoiceTiming: () => ({ graceMinutes: 15, reviewHours: null }),
    invoiceLineEvents: (paging) => page(events, paging, ({ idempotencyKey }) => idempotencyKey),
    whatIf: () => ({
      currency: 'USD',
      totalNow: '65.93',
      totalThen: '60.00',
      winners: 1,
      losers: 0,
      unchanged: 0,
      hasNextPage: false,
      endCursor: null,
      periods: or([
        {
          difference: '-5.93',
          now: preview('65.93'),
          then: preview('60.00'),
        },
      ]),
    }),
    createMeter: ({ input }) => {
      const meter = {
        id: id(18),
        createdAt: new Date(now()).toISOString(),
        archivedAt: null,
        dimensions: [],
        filters: [],
        property: null,
        ...input,
        name: input.name ?? input.key,
      };
      meters.push(meter);
      return meter;
    },
    createPlan: ({ input }) => ({ ...plans[0], key: input.key, name: input.name }),
    createPlanVersion: () => draftVersion,
    createCustomers: ({ input }) => {
      const created = input.map((one, index) => ({
        id: id(180 + index),
        createdAt: new Date(now()).toISOString(),
        archivedAt: null,
        email: null,
        ...one,
        name: one.name ?? one.key,
      }));
      customers.unshift(...created);
      return created;
    },
    createSubscriptions: () => [{ id: id(502), warnings: [] }],
    createThreshold: ({ input }) => {
      thresholds.push({ ...thresholds[0], ...input });
      return input;
    },
    createCoupon: ({ input }) => {
      coupons.push({ createdAt: monthStart(0), percent: null, amount: null, currency: null, periods: null, ...input });
      return input;
    },
    createInvitation: ({ input }) => ({ token: 'invitation-token', invitation: { id: id(871), ...input } }),
    acceptInvitation: () => ({ role: 'viewer', org, userId: id(5) }),
    requestPasswordReset: () => true,
    resetPassword: () => ({ userId: id(2), email: viewer.email }),
    setClock: () => ({ now: monthStart(1), frozen: true, duePeriods: 1 }),
    startTwoFactor: () => ({ secret: 'JBSWY3DPEHPK3PXP', uri: 'otpauth://totp/Polaris:demo?secret=JBSWY3DPEHPK3PXP' }),
    confirmTwoFactor: () => Array.from({ length: 10 }, (_, index) => `code-${index}`),
    createCustomerToken: () => ({ token: 'a.customer.token', expiresAt: new Date(now() + 900_000).toISOString() }),
    finalizeInvoices: ({ ids }) => ({
      left: 0,
      results: (ids ?? []).map((one) => {
        const invoice = invoices.find((each) => each.id === one);
        Object.assign(invoice, { status: 'FINALIZED', finalizedAt: new Date(now()).toISOString() });
        return { id: one, number: invoice.number, outcome: 'FINALIZED' };
      }),
    }),
    rotateApiKey: (wanted) => ({
      key: apiKeys.find((key) => key.id === wanted.id),
      secret: 'pk_992a8990_rotated-secret',
    }),
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
            customerKey: customer ?? 'acme',
            planKey: 'pro',
            planVersionId: version.id,
            status: 'ACTIVE',
            start: monthStart(-1),
            end: null,
            trialEnd: null,
            interval: 'MONTH',
            anchorDay: 1,
            anchorMonth: null,
            creditUnused: true,
            timeZone: 'UTC',
            versions: [{ from: monthStart(-1), to: null, paused: false, planKey: 'pro', planVersionId: version.id }],
            warnings: [],
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
    usageReport: report,
    invoices: ({ customer, status, ...paging }) =>
      page(
        or(invoices).filter((one) => (!customer || one.customerKey === customer) && (!status || one.status === status)),
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
    services,
    refuse,
    calls,
    execute: ({ query, variables }) => graphql({ schema, source: query, variableValues: variables, rootValue }),
  };
}

function refusal({ message, ...extensions }) {
  return new GraphQLError(message, { extensions });
}

function line(charge, name, meter, quantity, unroundedAmount, amount, eventCount, steps, kind = 'CHARGE', more = {}) {
  return {
    charge,
    name,
    meter,
    quantity,
    unroundedAmount,
    amount,
    eventCount,
    eventDigest: 'a2913173d77588931f0c',
    kind,
    adjusts: null,
    span: null,
    explanation: steps.map(step),
    ...more,
  };
}

/** [label, quantity, unit price, amount, divisor, children] */
function step([label, quantity, unitPrice, amount, divisor = '1', children = []]) {
  return { label, quantity, unitPrice, amount, divisor, children: children.map(step) };
}

/** Every kind of line, and steps with children, divisors and rates, as Billing writes them. */
function everyKind(invoice) {
  return [
    line('base', 'Platform fee', null, '1', '25.333333333333', '25.33', 0, [
      ['Flat fee, 16 of 30 days', '16', '47.5', '25.333333333333', '30'],
    ]),
    line('traffic', 'Traffic', 'traffic', '48925', '19.46', '19.46', 48925, [
      ['eu', '48900', '0', '19.21', '1', [['Above 0', '48900', '0.000392842536', '19.21']]],
      ['us', '25', '0', '0.25', '1', [['Above 0', '25', '0.01', '0.25']]],
    ]),
    line('payments', 'Payments', 'payments', '3100', '22.7', '22.70', 31, [
      ['Included units', '100', '0', '0'],
      ['Above 0 up to 1000', '1000', '0.01', '10'],
      ['Above 1000', '2000', '0.005', '10'],
      ['Early: Share of 27', '-27', '0.1', '-2.7'],
      ['Up to the minimum of 22.7', '1', '5.4', '5.4'],
    ]),
    line(
      'commitment',
      'Commitment',
      null,
      '0',
      '57.84',
      '57.84',
      0,
      [['Usage of 42.16, up to the commitment of 100', '1', '57.84', '57.84']],
      'COMMITMENT',
    ),
    line(
      'minimum',
      'Minimum',
      null,
      '0',
      '74.67',
      '74.67',
      0,
      [['From 125.33 up to the minimum of 200', '1', '74.67', '74.67']],
      'MINIMUM',
    ),
    line(
      'maximum',
      'Maximum',
      null,
      '0',
      '-25',
      '-25.00',
      0,
      [['From 200 down to the maximum of 175', '1', '-25', '-25']],
      'MAXIMUM',
    ),
    line('loyal', 'Loyal', null, '0', '-17.5', '-17.50', 0, [['Share of 175', '-175', '0.1', '-17.5']], 'DISCOUNT'),
    line('vat', 'VAT', null, '0', '29.925', '29.93', 0, [['On 157.5', '157.5', '0.19', '29.925']], 'TAX'),
    line(
      'api_calls',
      'API calls, correction of INV-00000007',
      'api_calls',
      '-1',
      '-2',
      '-2.00',
      461,
      [
        ['Was: 3, already invoiced', '-1', '3.5', '-3.5'],
        ['Is now: Above 0 up to 2', '1', '1.5', '1.5'],
      ],
      'ADJUSTMENT',
      { adjusts: { id: '00000000-0000-7000-8000-000000001007', number: 'INV-00000007' } },
    ),
  ].map((one) => ({ ...one, invoice: invoice.id }));
}
