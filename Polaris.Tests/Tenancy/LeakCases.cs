namespace Polaris.Tests.Tenancy;

/// <summary>A way to call a field, so that it shows something to whoever may see it.</summary>
/// <param name="Field"><c>Query.invoice</c>, or of a nested field with arguments <c>Portal.usage</c>.</param>
/// <param name="Arguments">As GraphQL text, without parentheses.</param>
/// <param name="Shows">Whether the owner's answer holds something of the org; false where there is nothing secret to show.</param>
/// <param name="RefusesOwner">The code with which even the owner is refused, and rightly so.</param>
/// <param name="IsPlace">Whether the ids only say from where in the caller's own list it goes on: then the answer differs with them.</param>
internal sealed record FieldCase(string Field, Func<Known, string> Arguments, bool Shows = true, bool IsPlace = false, string RefusesOwner = "");

/// <summary>
/// How to call each field of the public schema. The selection is made from the schema itself, so a new field of a type is covered at once;
/// a new root field, or a new argument, needs a line here, and the leak suite says so.
/// </summary>
internal static class LeakCases
{
    private const string Span = $"from: \"{LeakOrg.Start}\", to: \"{LeakOrg.End}\"";
    private const string Charge = "{key: \"flat\", price: {model: FLAT, amount: \"1\"}}";

    public static readonly FieldCase[] Queries =
    [
        new("Query.apiKeys", _ => ""),
        new("Query.audit", _ => ""),
        new("Query.auditLog", _ => "first: 100"),
        new("Query.auditLog", known => $"after: \"{known.Invoice}\", action: \"member_removed\"", Shows: false, IsPlace: true),
        new("Query.clock", _ => "", Shows: false),
        new("Query.currentUsage", known => $"customer: \"{known.Customer}\""),
        new("Query.customer", known => $"key: \"{known.Customer}\""),
        new("Query.customers", _ => "first: 100, search: \"\""),
        new("Query.customers", known => $"after: \"{known.Customer}\"", Shows: false, IsPlace: true),
        new("Query.deadLetters", _ => "first: 100, resolved: true"),
        new("Query.deliveries", _ => "first: 100"),
        new("Query.event", known => $"idempotencyKey: \"{known.Event}\""),
        new("Query.invoice", known => $"id: \"{known.Invoice}\""),
        new("Query.invoices", known => $"first: 100, customer: \"{known.Customer}\", status: DRAFT"),
        new("Query.invoices", known => $"after: \"{known.Invoice}\"", Shows: false, IsPlace: true),
        new("Query.heldInvoices", _ => "", Shows: false),
        new("Query.invitations", _ => ""),
        new("Query.me", _ => ""),
        new("Query.members", _ => ""),
        new("Query.memberships", _ => "", Shows: false),
        new("Query.meter", known => $"key: \"{known.Meter}\""),
        new("Query.meters", _ => ""),
        new("Query.org", _ => ""),
        new("Query.orgs", known => $"first: 100, after: \"{known.Org}\"", Shows: false),
        new("Query.plan", known => $"key: \"{known.Plan}\""),
        new("Query.planVersion", known => $"id: \"{known.Version}\""),
        new("Query.plans", _ => ""),
        new("Query.platformAuditLog", known => $"first: 100, after: \"{known.Org}\"", Shows: false),
        new("Query.portal", _ => "", Shows: false),
        new("Query.preview", known => $"customer: \"{known.Customer}\", subscriptionId: \"{known.Subscription}\", quantities: [{{meter: \"{known.Meter}\", quantity: \"3\", eventCount: 1}}]"),
        new("Query.recentEvents", _ => "limit: 100"),
        new("Query.signingKeys", _ => "", Shows: false),
        new("Query.subscriptions", known => $"first: 100, customer: \"{known.Customer}\""),
        new("Query.subscriptions", known => $"after: \"{known.Subscription}\"", Shows: false, IsPlace: true),
        new("Query.usage", known => $"meter: \"{known.Meter}\", customer: \"{known.Customer}\", {Span}"),
        new("Query.usageTimeline", known => $"meter: \"{known.Meter}\", customer: \"{known.Customer}\", {Span}, window: DAY"),
        new("Query.whatIf", known => $"planVersionId: \"{known.Version}\", customers: [\"{known.Customer}\"], {Span}, first: 100"),
        new("Query.whatIf", known => $"planVersionId: \"{known.SpareVersion}\", after: \"{known.Subscription}\", {Span}", Shows: false),
    ];

    /// <summary>Below a root field; each stands in the selection of whatever leads to it.</summary>
    public static readonly FieldCase[] Nested =
    [
        new("Portal.invoices", _ => "first: 100"),
        new("Portal.invoices", known => $"after: \"{known.Invoice}\""),
        new("Portal.subscriptions", _ => "first: 100"),
        new("Portal.subscriptions", known => $"after: \"{known.Subscription}\""),
        new("Portal.usage", known => $"meter: \"{known.Meter}\", {Span}"),
        new("Portal.usageTimeline", known => $"meter: \"{known.Meter}\", {Span}, window: DAY"),
    ];

    /// <summary>In an order in which an owner can run them one after another.</summary>
    public static readonly FieldCase[] Mutations =
    [
        new("Mutation.createMeter", known => $"input: {{key: \"{known.Meter}_new\", eventType: \"new\", aggregation: COUNT}}"),
        new("Mutation.createPlan", known => $"input: {{key: \"{known.Plan}_new\", name: \"New\", currency: \"EUR\", interval: MONTH, charges: [{Charge}]}}"),
        new("Mutation.createPlanVersion", known => $"planKey: \"{known.Plan}\", charges: [{Charge}], currency: \"EUR\", terms: {{minimum: \"1\"}}"),
        new("Mutation.publishPlanVersion", known => $"id: \"{known.SpareVersion}\""),
        new("Mutation.changePlan", known => $"input: {{subscriptionId: \"{known.Subscription}\", planVersionId: \"{known.SpareVersion}\", atPeriodEnd: true}}"),
        new("Mutation.cancelPlanChange", known => $"subscriptionId: \"{known.Subscription}\""),
        new("Mutation.archivePlanVersion", known => $"id: \"{known.SpareVersion}\""),
        new("Mutation.renamePlan", known => $"key: \"{known.Plan}\", name: \"Renamed\""),
        new("Mutation.createCustomers", known => $"input: [{{key: \"{known.Customer}_new\"}}]"),
        new("Mutation.createSubscriptions", known => $"input: [{{customer: \"{known.Customer}\", plan: \"{known.Plan}\", start: \"2015-06-01T00:00:00Z\"}}]"),
        new("Mutation.recomputeInvoice", known => $"id: \"{known.Invoice}\""),
        new("Mutation.finalizeInvoice", known => $"id: \"{known.Invoice}\""),
        new("Mutation.replayDeadLetters", known => $"ids: [\"{known.DeadLetter}\"]"),
        new("Mutation.auditUsage", _ => Span),
        new("Mutation.createApiKey", _ => "input: {name: \"New\", scopes: [\"read\"]}"),
        new("Mutation.rotateApiKey", known => $"id: \"{known.SpareKey}\", overlap: 60"),
        new("Mutation.revokeApiKey", known => $"id: \"{known.SpareKey}\""),
        new("Mutation.signUp", _ => $"input: {{email: \"{Guid.CreateVersion7():N}@example.com\", password: \"correct horse battery\", orgName: \"Another\"}}", RefusesOwner: "CONFLICT"),
        new("Mutation.createCustomerToken", known => $"customer: \"{known.Customer}\", expiresIn: 60"),
        new("Mutation.createInvitation", known => $"input: {{email: \"{known.Customer}@guests.example.com\", role: \"viewer\", expiresIn: 3600}}"),
        new("Mutation.revokeInvitation", known => $"id: \"{known.Invitation}\""),
        new("Mutation.acceptInvitation", known => $"input: {{token: \"inv_{Guid.Parse(known.Org):N}_{new string('0', 40)}\", password: \"correct horse battery\"}}", RefusesOwner: "NOT_FOUND"),
        new("Mutation.changeMemberRole", known => $"userId: \"{known.Member}\", role: \"billing\""),
        new("Mutation.removeMember", known => $"userId: \"{known.Member}\""),
        new("Mutation.leaveOrg", _ => "", RefusesOwner: "CONFLICT"),
        new("Mutation.rotateSigningKey", _ => "dropOthers: false", RefusesOwner: "FORBIDDEN"),
        new("Mutation.endSubscription", known => $"input: {{subscriptionId: \"{known.Subscription}\", atPeriodEnd: true}}"),
        new("Mutation.setClock", _ => "now: \"2015-06-03T00:00:00Z\""),
    ];

    public static IEnumerable<FieldCase> All => [.. Queries, .. Nested, .. Mutations];
}
