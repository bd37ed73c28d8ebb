namespace Polaris.Tests.Tenancy;

/// <summary>A call of a field whose answer has data of the org.</summary>
/// <param name="Field"><c>Query.invoice</c>, or, for a nested field with arguments, <c>Portal.usage</c>.</param>
/// <param name="Arguments">As GraphQL text, without parentheses.</param>
/// <param name="Shows">Whether the owner's answer contains data of the org; false where there is nothing secret.</param>
/// <param name="RefusesOwner">The expected code when even the owner is rejected.</param>
/// <param name="IsPlace">Whether the ids are only a position in the caller's own list: then the answer differs with them.</param>
internal sealed record FieldCase(
    string Field,
    Func<Known, string> Arguments,
    bool Shows = true,
    bool IsPlace = false,
    string RefusesOwner = ""
);

/// <summary>
/// A call of each field of the public schema. Selections are generated from the schema, so new fields of types are covered automatically; a
/// new root field or argument needs a case here, and the tests fail without one.
/// </summary>
internal static class LeakCases
{
    private const string Span = $"from: \"{LeakOrg.Start}\", to: \"{LeakOrg.End}\"";
    private const string Charge = "{key: \"flat\", price: {model: FLAT, amount: \"1\"}}";

    private static string At(string list, string place) => ServiceDefaults.Paging.Cursors.Name(list, place);

    public static readonly FieldCase[] Queries =
    [
        new("Query.apiKeys", _ => ""),
        new("Query.reconciliation", _ => ""),
        new("Query.auditLog", _ => "first: 100"),
        new(
            "Query.auditLog",
            known => $"after: \"{At("auditLog", known.Invoice)}\", action: \"member_removed\"",
            Shows: false,
            IsPlace: true
        ),
        new("Query.billingAuditLog", known => $"first: 100, subject: \"{known.Customer}\""),
        new("Query.billingAuditLog", known => $"after: \"{At("billingAuditLog", known.Invoice)}\"", Shows: false, IsPlace: true),
        new("Query.clock", _ => "", Shows: false),
        new("Query.currentUsage", known => $"customer: \"{known.Customer}\""),
        new("Query.customer", known => $"key: \"{known.Customer}\""),
        new("Query.coupons", _ => "first: 100", Shows: false),
        new("Query.coupons", known => $"after: \"{At("coupons", known.Customer)}\"", Shows: false, IsPlace: true),
        new("Query.appliedCoupons", known => $"subscriptionId: \"{known.Subscription}\"", Shows: false),
        new("Query.oneOffCharges", known => $"subscriptionId: \"{known.Subscription}\"", Shows: false),
        new("Query.customerBalance", known => $"customer: \"{known.Customer}\"", Shows: false),
        new("Query.creditGrants", known => $"customer: \"{known.Customer}\"", Shows: false),
        new("Query.entitlement", known => $"customer: \"{known.Customer}\", currency: \"EUR\"", Shows: false),
        new("Query.invoiceTiming", _ => "", Shows: false),
        new("Query.ledger", known => $"first: 100, customer: \"{known.Customer}\"", Shows: false),
        new("Query.ledger", known => $"customer: \"{known.Customer}\", after: \"{At("ledger", "1")}\"", Shows: false, IsPlace: true),
        new("Query.customers", _ => "first: 50, search: \"\", archived: true"),
        new("Query.customers", known => $"after: \"{At("customers", known.Customer)}\"", Shows: false, IsPlace: true),
        new("Query.deadLetters", _ => "first: 100, resolved: true"),
        new("Query.deliveryDeadLetters", _ => "first: 100", Shows: false),
        new("Query.deliveries", _ => "first: 100"),
        new(
            "Query.deliveries",
            known => $"endpointId: \"{known.Endpoint}\", eventType: \"invoice.generated\", status: WAITING, channel: WEBHOOK",
            Shows: false
        ),
        new("Query.deliveries", known => $"after: \"{At("deliveries", known.Delivery)}\"", Shows: false, IsPlace: true),
        new("Query.delivery", known => $"id: \"{known.Delivery}\""),
        new("Query.eventTypes", _ => "", Shows: false),
        new("Query.webhookEndpoints", _ => "archived: true"),
        new("Query.webhookEndpoint", known => $"id: \"{known.Endpoint}\""),
        new("Query.notificationAddresses", _ => ""),
        new("Query.notificationSettings", _ => "", Shows: false),
        new("Query.notificationsAuditLog", known => $"first: 100, subject: \"{known.Endpoint}\"", Shows: false),
        new(
            "Query.notificationsAuditLog",
            known => $"after: \"{At("notificationsAuditLog", known.Invoice)}\"",
            Shows: false,
            IsPlace: true
        ),
        new("Query.event", known => $"idempotencyKey: \"{known.Event}\""),
        new("Query.invoice", known => $"id: \"{known.Invoice}\""),
        new("Query.invoiceVerifications", _ => "", Shows: false),
        new("Query.invoices", known => $"first: 100, customer: \"{known.Customer}\", status: DRAFT"),
        new("Query.invoices", _ => $"after: \"{At("invoices", "1")}\"", Shows: false, IsPlace: true),
        new("Query.invoices", known => $"orgId: \"{known.Org}\", first: 100"),
        new("Query.invoiceLineEvents", known => $"invoiceId: \"{known.Invoice}\", ordinal: 0, first: 100"),
        new(
            "Query.invoiceLineEvents",
            known =>
                $"invoiceId: \"{known.Invoice}\", ordinal: 0, after: \"{At("invoiceLineEvents", $"{LeakOrg.EventTimeUs}:{known.Event}")}\"",
            Shows: false
        ),
        new("Query.heldInvoices", _ => "", Shows: false),
        new("Query.invoiceSettings", _ => "", Shows: false),
        new("Query.invitations", _ => ""),
        new("Query.me", _ => ""),
        new("Query.members", _ => ""),
        new("Query.memberships", _ => "", Shows: false),
        new("Query.meter", known => $"key: \"{known.Meter}\""),
        new("Query.meters", _ => "archived: true"),
        new("Query.meters", known => $"orgId: \"{known.Org}\""),
        new("Query.org", _ => ""),
        new("Query.organization", known => $"id: \"{known.Org}\""),
        new("Query.organizations", _ => ""),
        new("Query.operations", _ => "", Shows: false),
        new("Query.orgActivity", known => $"orgIds: [\"{known.Org}\"]", Shows: false),
        new(
            "Query.orgs",
            known => $"first: 100, search: \"{known.Org}\", ids: [\"{known.Org}\"], after: \"{At("orgs", known.Org)}\"",
            Shows: false
        ),
        new("Query.plan", known => $"key: \"{known.Plan}\""),
        new("Query.planVersion", known => $"id: \"{known.Version}\""),
        new("Query.plans", _ => "archived: true"),
        new("Query.plans", known => $"orgId: \"{known.Org}\""),
        new("Query.plansAuditLog", known => $"first: 100, subject: \"{known.Plan}\""),
        new("Query.plansAuditLog", known => $"after: \"{At("plansAuditLog", known.Invoice)}\"", Shows: false, IsPlace: true),
        new("Query.platformAuditLog", known => $"first: 100, after: \"{At("platformAuditLog", known.Org)}\"", Shows: false),
        new("Query.portal", _ => "", Shows: false),
        new(
            "Query.preview",
            known =>
                $"customer: \"{known.Customer}\", subscriptionId: \"{known.Subscription}\", "
                + $"quantities: [{{meter: \"{known.Meter}\", quantity: \"3\", eventCount: 1}}]"
        ),
        new("Query.recentEvents", _ => "limit: 100"),
        new("Query.signingKeys", _ => "", Shows: false),
        new("Query.subscriptions", known => $"first: 100, customer: \"{known.Customer}\""),
        new("Query.subscriptions", known => $"after: \"{At("subscriptions", known.Subscription)}\"", Shows: false, IsPlace: true),
        new("Query.thresholds", _ => "archived: true"),
        new("Query.thresholdCrossings", known => $"first: 100, customer: \"{known.Customer}\""),
        new("Query.thresholdCrossings", known => $"after: \"{At("thresholdCrossings", known.Invoice)}\"", Shows: false, IsPlace: true),
        new("Query.uncountedEvents", known => $"meter: \"{known.Meter}\", customer: \"{known.Customer}\", {Span}, first: 100"),
        new(
            "Query.uncountedEvents",
            known => $"meter: \"{known.Meter}\", {Span}, after: \"{At("uncountedEvents", $"{LeakOrg.EventTimeUs}:{known.Event}")}\""
        ),
        new("Query.uncountedSummary", known => $"meter: \"{known.Meter}\", customer: \"{known.Customer}\", {Span}", Shows: false),
        new(
            "Query.usageReport",
            known => $"input: {{meter: \"{known.Meter}\", customers: [\"{known.Customer}\"], groupBy: [\"CUSTOMER\"], {Span}}}"
        ),
        new("Query.usageOutbox", _ => "", Shows: false),
        new("Query.usage", known => $"meter: \"{known.Meter}\", customer: \"{known.Customer}\", {Span}"),
        new("Query.usage", known => $"orgId: \"{known.Org}\", meter: \"{known.Meter}\", {Span}"),
        new("Live.usageChanged", known => $"meter: \"{known.Meter}\", customer: \"{known.Customer}\", {Span}"),
        new("Live.usageChanged", known => $"orgId: \"{known.Org}\", meter: \"{known.Meter}\", {Span}"),
        new("Query.usageTimeline", known => $"meter: \"{known.Meter}\", customer: \"{known.Customer}\", {Span}, window: DAY"),
        new("Query.whatIf", known => $"planVersionId: \"{known.Version}\", customers: [\"{known.Customer}\"], {Span}, first: 100"),
        new(
            "Query.whatIf",
            known => $"planVersionId: \"{known.SpareVersion}\", after: \"{At("whatIf", known.Subscription)}\", {Span}",
            Shows: false
        ),
    ];

    /// <summary>Fields below a root field; selected wherever their type is reached.</summary>
    public static readonly FieldCase[] Nested =
    [
        new("Customer.invoices", _ => "first: 2, status: DRAFT"),
        new("Customer.invoices", _ => $"first: 2, after: \"{At("invoices", "99999999")}\""),
        new("Customer.subscriptions", _ => "first: 2"),
        new("Customer.subscriptions", known => $"first: 2, after: \"{At("subscriptions", known.Subscription)}\""),
        new("Customer.usage", known => $"meter: \"{known.Meter}\", {Span}"),
        new("Organization.customers", _ => "first: 2, search: \"\", archived: true"),
        new("Organization.customers", known => $"first: 2, after: \"{At("customers", known.Customer)}\""),
        new("Organization.deliveries", _ => "first: 2"),
        new(
            "Organization.deliveries",
            known => $"first: 2, endpointId: \"{known.Endpoint}\", eventType: \"invoice.generated\", status: WAITING, channel: WEBHOOK"
        ),
        new("Organization.deliveries", known => $"first: 2, after: \"{At("deliveries", known.Delivery)}\""),
        new("Organization.invoices", known => $"first: 2, customer: \"{known.Customer}\", status: DRAFT"),
        new("Organization.invoices", _ => $"first: 2, after: \"{At("invoices", "99999999")}\""),
        new("Organization.meters", _ => "archived: true"),
        new("Organization.plans", _ => "archived: true"),
        new("Organization.recentEvents", _ => "limit: 20"),
        new("Organization.subscriptions", known => $"first: 2, customer: \"{known.Customer}\""),
        new("Organization.subscriptions", known => $"first: 2, after: \"{At("subscriptions", known.Subscription)}\""),
        new("Organization.usage", known => $"meter: \"{known.Meter}\", {Span}, customer: \"{known.Customer}\""),
        new("Organization.webhooks", _ => "archived: true"),
        new("Portal.invoices", _ => "first: 100"),
        // A cursor of invoices is a place in the order of creation, and this one is after all of them.
        new("Portal.invoices", _ => $"after: \"{At("invoices", "99999999")}\""),
        new("Portal.subscriptions", _ => "first: 100"),
        new("Portal.subscriptions", known => $"after: \"{At("subscriptions", known.Subscription)}\""),
        new("Portal.usage", known => $"meter: \"{known.Meter}\", {Span}"),
        new("Portal.usageTimeline", known => $"meter: \"{known.Meter}\", {Span}, window: DAY"),
    ];

    /// <summary>In an order in which an owner can run them one after another.</summary>
    public static readonly FieldCase[] Mutations =
    [
        new("Mutation.createMeter", known => $"input: {{key: \"{known.Meter}_new\", eventType: \"new\", aggregation: COUNT}}"),
        new(
            "Mutation.createPlan",
            known => $"input: {{key: \"{known.Plan}_new\", name: \"New\", currency: \"EUR\", interval: MONTH, charges: [{Charge}]}}"
        ),
        new(
            "Mutation.createPlanVersion",
            known => $"planKey: \"{known.Plan}\", charges: [{Charge}], currency: \"EUR\", terms: {{minimum: \"1\"}}"
        ),
        new("Mutation.publishPlanVersion", known => $"id: \"{known.SpareVersion}\""),
        new(
            "Mutation.changePlan",
            known => $"input: {{subscriptionId: \"{known.Subscription}\", planVersionId: \"{known.SpareVersion}\", atPeriodEnd: true}}"
        ),
        new("Mutation.cancelPlanChange", known => $"subscriptionId: \"{known.Subscription}\""),
        new("Mutation.pauseSubscription", known => $"input: {{subscriptionId: \"{known.Subscription}\", atPeriodEnd: true}}"),
        new("Mutation.resumeSubscription", known => $"input: {{subscriptionId: \"{known.Subscription}\", at: \"2015-07-15T00:00:00Z\"}}"),
        new("Mutation.createCoupon", _ => "input: {key: \"leak\", percent: \"10\", periods: 3}", Shows: false),
        new("Mutation.applyCoupon", known => $"input: {{subscriptionId: \"{known.Subscription}\", coupon: \"leak\"}}", Shows: false),
        new(
            "Mutation.createOneOffCharge",
            known => $"input: {{subscriptionId: \"{known.Subscription}\", key: \"leak\", amount: \"1\"}}",
            Shows: false
        ),
        new(
            "Mutation.createThreshold",
            known => $"input: {{key: \"{known.Meter}_new\", on: QUANTITY, values: [\"5\"], meter: \"{known.Meter}\"}}"
        ),
        new("Mutation.updateThreshold", known => $"input: {{key: \"{known.Meter}\", name: \"Renamed\"}}"),
        new("Mutation.archiveThreshold", known => $"key: \"{known.Meter}\""),
        new("Mutation.archivePlanVersion", known => $"id: \"{known.SpareVersion}\""),
        new("Mutation.archiveMeter", known => $"key: \"{known.Meter}\""),
        new("Mutation.unarchiveMeter", known => $"key: \"{known.Meter}\""),
        new("Mutation.archivePlan", known => $"key: \"{known.Plan}\""),
        new("Mutation.unarchivePlan", known => $"key: \"{known.Plan}\""),
        new("Mutation.renamePlan", known => $"key: \"{known.Plan}\", name: \"Renamed\""),
        new("Mutation.createCustomers", known => $"input: [{{key: \"{known.Customer}_new\"}}]"),
        new(
            "Mutation.updateCustomer",
            known => $"input: {{key: \"{known.Customer}\", taxId: \"DE1\", address: {{line1: \"Street 1\", country: \"DE\"}}}}"
        ),
        new("Mutation.archiveCustomer", known => $"key: \"{known.Customer}\"", RefusesOwner: "CONFLICT"),
        new("Mutation.unarchiveCustomer", known => $"key: \"{known.Customer}\""),
        new("Mutation.updateInvoiceSettings", _ => "input: {legalName: \"Seller\", paymentDays: 14, figures: COMMA}", Shows: false),
        new(
            "Mutation.createSubscriptions",
            known => $"input: [{{customer: \"{known.Customer}\", plan: \"{known.Plan}\", start: \"2015-06-01T00:00:00Z\"}}]"
        ),
        new("Mutation.verifyInvoices", _ => "", Shows: false),
        new("Mutation.recomputeInvoice", known => $"id: \"{known.Invoice}\""),
        new("Mutation.finalizeInvoice", known => $"id: \"{known.Invoice}\""),
        new("Mutation.finalizeInvoices", known => $"ids: [\"{known.Invoice}\"]"),
        new("Mutation.finalizeInvoices", _ => "through: \"2015-06-01T00:00:00Z\"", Shows: false),
        new("Mutation.markInvoicePaid", known => $"id: \"{known.Invoice}\", at: \"2015-06-01T00:00:00Z\", reference: \"leak\""),
        new("Mutation.markInvoiceUnpaid", known => $"id: \"{known.Invoice}\""),
        new("Mutation.voidInvoice", known => $"id: \"{known.Invoice}\", reason: \"leak\""),
        new(
            "Mutation.createCreditNote",
            known => $"input: {{invoiceId: \"{known.Invoice}\", amount: \"1\", reason: \"leak\"}}",
            RefusesOwner: "CONFLICT"
        ),
        new("Mutation.reissueInvoice", known => $"id: \"{known.Invoice}\""),
        new(
            "Mutation.createCreditGrant",
            known => $"input: {{customer: \"{known.Customer}\", key: \"leak\", amount: \"1\", currency: \"EUR\"}}"
        ),
        new("Mutation.voidCreditGrant", known => $"id: \"{known.Invoice}\"", RefusesOwner: "NOT_FOUND"),
        new("Mutation.setInvoiceTiming", _ => "reviewHours: 2208, graceMinutes: 15", Shows: false),
        new("Mutation.setHardStop", known => $"customer: \"{known.Customer}\", hardStop: true"),
        new("Mutation.retryHeldInvoices", known => $"subscriptionIds: [\"{known.Subscription}\"]"),
        new("Mutation.replayDeadLetters", known => $"ids: [\"{known.DeadLetter}\"]"),
        new("Mutation.replayDeliveryDeadLetters", known => $"ids: [\"{known.DeadLetter}\"]"),
        new("Mutation.createWebhookEndpoint", _ => "input: {url: \"https://new.invalid/\", eventTypes: [\"invoice.paid\"]}"),
        new("Mutation.updateWebhookEndpoint", known => $"input: {{id: \"{known.Endpoint}\", inOrder: true}}"),
        new("Mutation.rotateWebhookSecret", known => $"id: \"{known.Endpoint}\", overlap: 60"),
        new("Mutation.disableWebhookEndpoint", known => $"id: \"{known.Endpoint}\""),
        new("Mutation.enableWebhookEndpoint", known => $"id: \"{known.Endpoint}\""),
        new("Mutation.testWebhookEndpoint", known => $"id: \"{known.Endpoint}\""),
        new("Mutation.resendDelivery", known => $"id: \"{known.Delivery}\""),
        new(
            "Mutation.resendEvents",
            known =>
                $"input: {{endpointId: \"{known.Endpoint}\", from: \"2015-01-01T00:00:00Z\", to: \"2100-01-01T00:00:00Z\", "
                + "undeliveredOnly: true}",
            Shows: false
        ),
        new("Mutation.archiveWebhookEndpoint", known => $"id: \"{known.Endpoint}\""),
        new(
            "Mutation.createNotificationAddress",
            known => $"input: {{email: \"{known.Customer}@more.example.com\", eventTypes: [\"invoice.paid\"]}}"
        ),
        new("Mutation.updateNotificationAddress", known => $"input: {{id: \"{known.Address}\", description: \"Changed\"}}"),
        new("Mutation.archiveNotificationAddress", known => $"id: \"{known.Address}\""),
        new("Mutation.updateNotificationSettings", _ => "invoicesToCustomers: false", Shows: false),
        new("Mutation.reconcileUsage", _ => Span),
        new("Mutation.createApiKey", _ => "input: {name: \"New\", scopes: [\"read\"]}"),
        new("Mutation.rotateApiKey", known => $"id: \"{known.SpareKey}\", overlap: 60"),
        new("Mutation.revokeApiKey", known => $"id: \"{known.SpareKey}\""),
        new(
            "Mutation.signUp",
            _ => $"input: {{email: \"{Guid.CreateVersion7():N}@example.com\", password: \"correct horse battery\", orgName: \"Another\"}}",
            RefusesOwner: "CONFLICT"
        ),
        new("Mutation.setEmbedOrigins", _ => "origins: [\"https://app.example.com\"]"),
        new("Mutation.createCustomerToken", known => $"customer: \"{known.Customer}\", expiresIn: 60"),
        new(
            "Mutation.createInvitation",
            known => $"input: {{email: \"{known.Customer}@guests.example.com\", role: \"viewer\", expiresIn: 3600}}"
        ),
        new("Mutation.revokeInvitation", known => $"id: \"{known.Invitation}\""),
        new(
            "Mutation.acceptInvitation",
            known =>
                $"input: {{token: \"inv_{Guid.Parse(known.Org):N}_{new string('0', 40)}\", "
                + "password: \"correct horse battery\", code: \"000000\"}",
            RefusesOwner: "NOT_FOUND"
        ),
        new("Mutation.changeMemberRole", known => $"userId: \"{known.Member}\", role: \"billing\""),
        new("Mutation.removeMember", known => $"userId: \"{known.Member}\""),
        new("Mutation.leaveOrg", _ => "", RefusesOwner: "CONFLICT"),
        new("Mutation.setRateLimit", known => $"orgId: \"{known.Org}\", budget: \"events\", perSecond: 1", RefusesOwner: "FORBIDDEN"),
        new("Mutation.proveEmail", _ => $"token: \"proof_{new string('0', 40)}\"", RefusesOwner: "NOT_FOUND"),
        new(
            "Mutation.resetPassword",
            _ => $"token: \"reset_{new string('0', 40)}\", newPassword: \"correct horse battery\"",
            RefusesOwner: "NOT_FOUND"
        ),
        new("Mutation.requestPasswordReset", known => $"email: \"{known.Customer}@example.com\""),
        new("Mutation.createPasswordReset", known => $"email: \"{known.Customer}@example.com\"", RefusesOwner: "FORBIDDEN"),
        new(
            "Mutation.changePassword",
            _ => "currentPassword: \"not the password\", newPassword: \"correct horse battery staple\", code: \"000000\"",
            RefusesOwner: "UNAUTHENTICATED"
        ),
        new("Mutation.startTwoFactor", _ => "password: \"not the password\"", RefusesOwner: "UNAUTHENTICATED"),
        new("Mutation.confirmTwoFactor", _ => "code: \"000000\"", RefusesOwner: "INVALID_INPUT"),
        new("Mutation.turnOffTwoFactor", _ => "password: \"not the password\", code: \"000000\"", RefusesOwner: "UNAUTHENTICATED"),
        new("Mutation.signOut", _ => "everywhere: false", Shows: false),
        new("Mutation.rotateSigningKey", _ => "dropOthers: false", RefusesOwner: "FORBIDDEN"),
        new("Mutation.endSubscription", known => $"input: {{subscriptionId: \"{known.Subscription}\", atPeriodEnd: true}}"),
        new("Mutation.undoEndSubscription", known => $"subscriptionId: \"{known.Subscription}\""),
        new("Mutation.setClock", _ => "now: \"2015-06-03T00:00:00Z\""),
    ];

    public static IEnumerable<FieldCase> All => [.. Queries, .. Nested, .. Mutations];
}
