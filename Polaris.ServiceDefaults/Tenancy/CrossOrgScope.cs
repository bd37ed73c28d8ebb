using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.ServiceDefaults.Tenancy;

/// <summary>
/// A reason for which a transaction may see several orgs. There are no others than these; each use is counted
/// (<c>polaris.tenancy.cross_org</c> by name) and logged. Row-level security shows such a transaction all orgs, so it filters by itself.
/// </summary>
public sealed partial class CrossOrgScope
{
    private static readonly Counter<long> Entries = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.tenancy.cross_org",
        "{entry}",
        "Transactions that may see every org."
    );
    private static readonly List<CrossOrgScope> Known = [];

    public static readonly CrossOrgScope ApiKeyUse = new("api-key-use", "writes when keys of many orgs were last used, now and then");
    public static readonly CrossOrgScope ApplyUsage = new(
        "apply-usage",
        "a poll of Kafka brings batches of many orgs, applied in one transaction"
    );
    public static readonly CrossOrgScope AuditLog = new(
        "audit-log",
        "a person who signs in may be a member of several orgs; the installation has entries of its own"
    );
    public static readonly CrossOrgScope CheckMemberships = new(
        "check-memberships",
        "says in which of several orgs a person is a member, and with which role"
    );
    public static readonly CrossOrgScope CheckThresholds = new("check-thresholds", "finds the orgs with usage to rate for thresholds");
    public static readonly CrossOrgScope ClosePeriods = new("close-periods", "finds the orgs with a period that is due");
    public static readonly CrossOrgScope CompactAppliedBatches = new(
        "compact-applied-batches",
        "finds the orgs with batch ids to compact into the watermark"
    );
    public static readonly CrossOrgScope DeadLetters = new(
        "dead-letters",
        "sets records aside before their org is sure, and watches all that wait"
    );
    public static readonly CrossOrgScope ExpireCredits = new("expire-credits", "finds the orgs with prepaid credits that expired");
    public static readonly CrossOrgScope FillMeters = new("fill-meters", "finds the orgs with a meter that is not filled yet");
    public static readonly CrossOrgScope GetTestClocks = new("get-test-clocks", "Ingestion checks timestamps by the clocks of all orgs");
    public static readonly CrossOrgScope GetOrgs = new("get-orgs", "a service asks for several orgs at once");
    public static readonly CrossOrgScope Ingest = new("ingest", "requests of many orgs are committed together");
    public static readonly CrossOrgScope Platform = new(
        "platform",
        "an operator lists the orgs, the installation's own log and its figures"
    );
    public static readonly CrossOrgScope PurgeDeliveries = new(
        "purge-deliveries",
        "finds the orgs with deliveries that are kept no longer"
    );
    public static readonly CrossOrgScope ReadBatches = new("read-batches", "batches of all orgs, for Billing's reconciliation");
    public static readonly CrossOrgScope RebuildBuckets = new("rebuild-buckets", "finds the orgs with buckets to count anew");
    public static readonly CrossOrgScope Reconcile = new("reconcile", "reconciliation walks the buckets of all orgs");
    public static readonly CrossOrgScope RecordInvoiced = new("record-invoiced", "a poll of Kafka brings invoices of many orgs");
    public static readonly CrossOrgScope RecordThroughput = new(
        "record-throughput",
        "writes every few seconds how many events of many orgs were counted"
    );
    public static readonly CrossOrgScope RecoverLostBatches = new(
        "recover-lost-batches",
        "compares stored batches of all orgs with those applied"
    );
    public static readonly CrossOrgScope UnconfirmedEvents = new(
        "unconfirmed-events",
        "Notifications asks for events of all orgs that a broker may have lost"
    );
    public static readonly CrossOrgScope UnsentMail = new("unsent-mail", "Notifications takes over the mail of all orgs");
    public static readonly CrossOrgScope ServeQueues = new("serve-queues", "finds the endpoint, of all orgs, that is next to be served");
    public static readonly CrossOrgScope RelayBillingEvents = new("relay-billing-events", "publishes the outbox of all orgs");
    public static readonly CrossOrgScope RelayUsage = new("relay-usage", "publishes the outbox of all orgs");
    public static readonly CrossOrgScope SignIn = new("sign-in", "finds the orgs of a person");
    public static readonly CrossOrgScope ValidateApiKey = new("validate-api-key", "finds the org of a key");

    public static readonly CrossOrgScope VerifyInvoices = new("verify-invoices", "finds the orgs whose invoices are being verified");

    private int entered;

    private CrossOrgScope(string name, string why)
    {
        (Name, Why) = (name, why);
        Known.Add(this);
    }

    public static IReadOnlyList<CrossOrgScope> All => Known;

    public string Name { get; }

    /// <summary>Why one transaction has to see several orgs.</summary>
    public string Why { get; }

    public override string ToString() => Name;

    internal void Enter(ILogger? log)
    {
        Entries.Add(1, new KeyValuePair<string, object?>("scope", Name));
        if (log is null)
            return;
        if (Interlocked.Exchange(ref entered, 1) == 0)
            LogFirstEntry(log, Name, Why);
        else
            LogEntry(log, Name);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Cross-org access {Scope} is in use: {Why}. Further uses are logged as debug.")]
    private static partial void LogFirstEntry(ILogger log, string scope, string why);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Cross-org access {Scope} was used.")]
    private static partial void LogEntry(ILogger log, string scope);
}
