using System.Net.Http.Headers;
using System.Text;

namespace Polaris.Tests.Tenancy;

/// <summary>A gRPC call.</summary>
/// <param name="Method">Full name, such as <c>polaris.billing.v1.Billing/GetInvoices</c>.</param>
/// <param name="Request">As protobuf JSON.</param>
/// <param name="AllOrgs">Why it answers about every org: then only the caller's access is tested.</param>
/// <param name="Shows">Whether the answer to its own org contains data of it.</param>
internal sealed record GrpcCase(string Method, Func<Known, string> Request, string? AllOrgs = null, bool Shows = true);

/// <summary>An HTTP request.</summary>
/// <param name="Route">
/// As the route declares it, such as <c>GET /events/{**idempotencyKey}</c>; every service with the route is called.
/// </param>
/// <param name="Shows">Whether the owner's answer contains data of the org.</param>
/// <param name="ShowsCustomer">Whether a customer's token is shown that customer's data.</param>
internal sealed record HttpCase(string Route, Func<Known, HttpRequestMessage> Request, bool Shows = false, bool ShowsCustomer = false);

/// <summary>A call of each gRPC method and HTTP route. A new one needs a case here, and the tests fail without one.</summary>
internal static class LeakWireCases
{
    private const string Span = $"\"from\": \"{LeakOrg.Start}\", \"to\": \"{LeakOrg.End}\"";

    public static readonly GrpcCase[] Grpc =
    [
        new("polaris.billing.v1.Billing/GetCurrentUsage", known => $$"""{"orgId": "{{known.Org}}", "customer": "{{known.Customer}}"}"""),
        new(
            "polaris.billing.v1.Billing/GetInvoices",
            known => $$"""{"orgId": "{{known.Org}}", "customer": "{{known.Customer}}", "first": 100}"""
        ),
        new(
            "polaris.billing.v1.Billing/RecomputeInvoice",
            known => $$"""{"orgId": "{{known.Org}}", "invoiceId": "{{known.Invoice}}"}""",
            Shows: false
        ),
        new(
            "polaris.billing.v1.Billing/LocateEvents",
            known =>
                $$"""
                    {"orgId": "{{known.Org}}", "events": [{"idempotencyKey": "{{known.Event}}", "batchId": "{{known.Batch}}",
                    "customer": "{{known.Customer}}", "timestampUs": "{{LeakOrg.EventTimeUs}}",
                    "type": "{{known.Event}}", "properties": "eyJhbW91bnQiOjF9"}]}
                    """
        ),
        new(
            "polaris.billing.v1.Billing/GetTestClocks",
            known => $$"""{"afterOrgId": "{{known.Org}}"}""",
            AllOrgs: "Ingestion checks timestamps by the clocks of all orgs"
        ),
        new(
            "polaris.billing.v1.Billing/GetUnconfirmedEvents",
            _ => """{"publishedBefore": "2015-01-01T00:00:00Z"}""",
            AllOrgs: "Notifications asks for events of all orgs that a broker may have lost"
        ),
        new(
            "polaris.billing.v1.Billing/ConfirmEvents",
            known => $$"""{"events": [{"orgId": "{{known.Org}}", "eventId": "{{known.Invoice}}"}]}""",
            AllOrgs: "Notifications confirms the events of all orgs"
        ),
        new("polaris.billing.v1.Billing/GetInvoiceDocument", known => $$"""{"orgId": "{{known.Org}}", "invoiceId": "{{known.Invoice}}"}"""),
        new(
            "polaris.identity.v1.Identity/ValidateApiKey",
            known => $$"""{"apiKey": "{{known.SpareSecret}}"}""",
            AllOrgs: "the key's secret identifies its org"
        ),
        new(
            "polaris.identity.v1.Identity/ValidateApiKeys",
            known => $$"""{"apiKeys": ["{{known.SpareSecret}}"]}""",
            AllOrgs: "the key's secret identifies its org"
        ),
        new(
            "polaris.identity.v1.Identity/CheckAccess",
            known => $$"""{"origin": "session:{{known.User}}:{{known.User}}", "orgId": "{{known.Org}}"}""",
            Shows: false
        ),
        new(
            "polaris.identity.v1.Identity/CheckMemberships",
            known => $$"""{"origin": "session:{{known.User}}:{{known.User}}", "orgIds": ["{{known.Org}}"]}""",
            AllOrgs: "a person's session is asked about, whose orgs they are"
        ),
        new(
            "polaris.identity.v1.Identity/GetOrgs",
            known => $$"""{"orgIds": ["{{known.Org}}"]}""",
            AllOrgs: "a service reads several orgs in one call"
        ),
        new("polaris.identity.v1.Identity/GetUser", known => $$"""{"orgId": "{{known.Org}}", "userId": "{{known.Member}}"}"""),
        new(
            "polaris.identity.v1.Identity/GetUsers",
            known => $$"""{"orgId": "{{known.Org}}", "userIds": ["{{known.Member}}", "{{known.User}}"]}"""
        ),
        new(
            "polaris.identity.v1.Identity/LeaseRate",
            known => $$"""{"orgId": "{{known.Org}}", "budget": "events", "wanted": 1}""",
            Shows: false
        ),
        new("polaris.identity.v1.Identity/GetUnsentMail", _ => "{}", AllOrgs: "Notifications takes over the mail of all orgs"),
        new(
            "polaris.identity.v1.Identity/ForgetMail",
            known => $$"""{"mails": [{"orgId": "{{known.Org}}", "id": "{{known.Invoice}}"}]}""",
            AllOrgs: "Notifications takes over the mail of all orgs"
        ),
        new("polaris.identity.v1.Identity/GetOrg", known => $$"""{"orgId": "{{known.Org}}"}"""),
        new(
            "polaris.ingestion.v1.Ingestion/StreamEvents",
            known => $$"""{"orgId": "{{known.Org}}", {{Span}}, "customer": "{{known.Customer}}"}"""
        ),
        new(
            "polaris.ingestion.v1.Ingestion/ListBatches",
            known =>
                $$"""
                    {"receivedAfter": "2015-01-01T00:00:00Z", "afterBatchId": "{{known.Batch}}",
                    "receivedBefore": "2100-01-01T00:00:00Z", "limit": 1000}
                    """,
            AllOrgs: "Billing searches for lost batches of all orgs"
        ),
        new(
            "polaris.ingestion.v1.Ingestion/GetBatches",
            known => $$"""{"batches": [{"orgId": "{{known.Org}}", "batchId": "{{known.Batch}}"}]}"""
        ),
        new(
            "polaris.ingestion.v1.Ingestion/DigestEvents",
            known => $$"""{"orgId": "{{known.Org}}", {{Span}}, "tailFrom": "00000000-0000-0000-0000-000000000000"}"""
        ),
        new(
            "polaris.ingestion.v1.Ingestion/ListBucketBatches",
            known => $$"""{"orgId": "{{known.Org}}", "bucketStart": "2015-05-10T10:00:00Z", "limit": 1000}"""
        ),
        new(
            "polaris.ingestion.v1.Ingestion/FindOrg",
            known => $$"""{"afterOrgId": "{{known.Org}}"}""",
            AllOrgs: "reconciliation covers all orgs"
        ),
        new("polaris.plans.v1.Plans/ListMeters", known => $$"""{"orgId": "{{known.Org}}"}"""),
        new("polaris.plans.v1.Plans/GetPublishedPlanVersion", known => $$"""{"orgId": "{{known.Org}}", "planKey": "{{known.Plan}}"}"""),
        new(
            "polaris.plans.v1.Plans/GetPlanVersions",
            known => $$"""{"orgId": "{{known.Org}}", "ids": ["{{known.Version}}", "{{known.SpareVersion}}"]}"""
        ),
    ];

    public static readonly HttpCase[] Http =
    [
        new(
            "POST /ingest",
            known =>
                Post(
                    "/ingest",
                    $$"""
                    {"idempotency_key": "{{known.Event}}-sent", "type": "{{known.Event}}",
                    "customer": "{{known.Customer}}", "voids": "{{known.Event}}"}
                    """
                )
        ),
        new("GET /events/{**idempotencyKey}", known => Get($"/events/{known.Event}"), Shows: true),
        new("GET /invoices/{document}", known => Get($"/invoices/{known.Invoice}.html"), Shows: true),
        new("GET /portal/invoices/{document}", known => Get($"/portal/invoices/{known.Invoice}.html"), ShowsCustomer: true),
        new("GET /notifications/unsubscribe", known => Get($"/notifications/unsubscribe?token={known.Org}")),
        new("POST /notifications/unsubscribe", known => Form($"/notifications/unsubscribe?token={known.Org}", "")),
        new("GET /openapi/ingestion.json", _ => Get("/openapi/ingestion.json")),
        new("POST /graphql", known => Post("/graphql", $$"""{"query": "{ __typename }", "variables": {"id": "{{known.Invoice}}"} }""")),
        new("GET /graphql", _ => Get("/graphql")),
        new("GET /reference", _ => Get("/reference")),
        new("GET /reference/ingest/favicon.svg", _ => Get("/reference/ingest/favicon.svg")),
        new("GET /reference/ingest/scalar.aspnetcore.js", _ => Get("/reference/ingest/scalar.aspnetcore.js")),
        new("GET /reference/ingest/scalar.js", _ => Get("/reference/ingest/scalar.js")),
        // Each answer has a number of its own.
        new("GET /reference/ingest/{documentName?}", _ => Get("/reference/ingest/v1")),
        new("GET /reference/style.css", _ => Get("/reference/style.css")),
        new("GET /installation/health", _ => Get("/installation/health")),
        new("GET /session", _ => Get("/session")),
        new("GET /session/sign-in", known => Get($"/session/sign-in?returnTo=/{known.Org}")),
        new("POST /session/sign-out", _ => Form("/session/sign-out", "")),
        new("* /health", _ => Get("/health")),
        new("* /alive", _ => Get("/alive")),
        new("* /metrics", _ => Get("/metrics")),
        new("GET /connect/authorize", known => Get($"/connect/authorize?client_id=dashboard&org={known.Org}&response_type=code")),
        new("POST /connect/authorize", known => Form("/connect/authorize", $"client_id=dashboard&org={known.Org}&response_type=code")),
        new(
            "POST /connect/token",
            known => Form("/connect/token", $"grant_type=refresh_token&client_id=dashboard&refresh_token={known.SpareKey}")
        ),
        new("GET /connect/logout", _ => Get("/connect/logout")),
        new("POST /connect/logout", _ => Form("/connect/logout", "")),
        new("GET /account/login", known => Get($"/account/login?returnUrl=/{known.Org}")),
        new("POST /account/login", known => Form("/account/login", $"email={known.Customer}@example.com&password=guessed")),
        new("POST /account/login/code", _ => Form("/account/login/code", "code=000000")),
        // The gateway's own routes, which proxy to the service that authenticates the caller.
        new(
            "* /ingest",
            known =>
                Post(
                    "/ingest",
                    $$"""{"idempotency_key": "{{known.Event}}-passed", "type": "{{known.Event}}", "customer": "{{known.Customer}}"}"""
                )
        ),
        new("* /events/{**rest}", known => Get($"/events/{known.Event}"), Shows: true),
        new("* /invoices/{name:document}", known => Get($"/invoices/{known.Invoice}.html"), Shows: true),
        new("* /portal/invoices/{name:document}", known => Get($"/portal/invoices/{known.Invoice}.html"), ShowsCustomer: true),
        new("* /notifications/unsubscribe", known => Get($"/notifications/unsubscribe?token={known.Org}")),
        new("* /openapi/ingestion.json", _ => Get("/openapi/ingestion.json")),
        new("* /.well-known/{**rest}", _ => Get("/.well-known/openid-configuration")),
        new(
            "* /connect/{**rest}",
            known => Form("/connect/token", $"grant_type=client_credentials&client_id=service:billing&client_secret={known.SpareSecret}")
        ),
        new("* /account/{**rest}", _ => Get("/account/login")),
        new("* /{**rest}", _ => Get("/")),
    ];

    private static HttpRequestMessage Get(string path) => new(HttpMethod.Get, new Uri(path, UriKind.Relative));

    private static HttpRequestMessage Post(string path, string json) =>
        new(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = new StringContent(json, Encoding.UTF8, "application/json") };

    private static HttpRequestMessage Form(string path, string form) =>
        new(HttpMethod.Post, new Uri(path, UriKind.Relative))
        {
            Content = new StringContent(form, new MediaTypeHeaderValue("application/x-www-form-urlencoded")),
        };
}
