using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.ServiceDefaults.Tenancy;

/// <summary>
/// A named way past the boundary between orgs. There are these and no others; each entry is counted (<c>polaris.tenancy.gate</c> by name)
/// and logged. A gate reaches all orgs, so what passes one names its orgs itself.
/// </summary>
public sealed partial class Gate
{
    private static readonly Counter<long> Entries = PolarisTelemetry.Meter.CreateCounter<long>("polaris.tenancy.gate", "{entry}", "Transactions that may see every org.");
    private static readonly List<Gate> Known = [];

    public static readonly Gate ApiKeyUse = new("api-key-use", "writes when keys of many orgs were last used, now and then");
    public static readonly Gate ApplyUsage = new("apply-usage", "a poll of Kafka brings batches of many orgs, applied in one transaction");
    public static readonly Gate Audit = new("audit", "the auditor walks all orgs' buckets");
    public static readonly Gate AuditLog = new("audit-log", "a person who signs in may be a member of several orgs; the installation has entries of its own");
    public static readonly Gate ClosePeriods = new("close-periods", "finds the orgs with a period that is due");
    public static readonly Gate DeadLetters = new("dead-letters", "sets records aside before their org is sure, and watches all that wait");
    public static readonly Gate FillMeters = new("fill-meters", "finds the orgs with a meter that is not filled yet");
    public static readonly Gate FoldAppliedBatches = new("fold-applied-batches", "finds the orgs with batch ids to fold into the watermark");
    public static readonly Gate GetOrgs = new("get-orgs", "a service asks for several orgs at once");
    public static readonly Gate HealLostBatches = new("heal-lost-batches", "compares stored batches of all orgs with those applied");
    public static readonly Gate Ingest = new("ingest", "requests of many orgs are committed together");
    public static readonly Gate Platform = new("platform", "an operator lists the orgs and the installation's own log");
    public static readonly Gate ReadBatches = new("read-batches", "batches of all orgs, for Billing's healing and audit");
    public static readonly Gate RebuildBuckets = new("rebuild-buckets", "finds the orgs with buckets to count anew");
    public static readonly Gate RecordInvoiced = new("record-invoiced", "a poll of Kafka brings invoices of many orgs");
    public static readonly Gate RelayBillingEvents = new("relay-billing-events", "publishes the outbox of all orgs");
    public static readonly Gate RelayUsage = new("relay-usage", "publishes the outbox of all orgs");
    public static readonly Gate SignIn = new("sign-in", "finds the orgs of a person");
    public static readonly Gate ValidateApiKey = new("validate-api-key", "finds the org of a key");

    private int entered;

    private Gate(string name, string why)
    {
        (Name, Why) = (name, why);
        Known.Add(this);
    }

    public static IReadOnlyList<Gate> All => Known;

    public string Name { get; }

    /// <summary>Why one transaction has to see several orgs.</summary>
    public string Why { get; }

    public override string ToString() => Name;

    internal void Enter(ILogger? log)
    {
        Entries.Add(1, new KeyValuePair<string, object?>("gate", Name));
        if (log is null) return;
        if (Interlocked.Exchange(ref entered, 1) == 0) LogFirstEntry(log, Name, Why);
        else LogEntry(log, Name);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Gate {Gate} is in use: {Why}. Further entries are logged as debug.")]
    private static partial void LogFirstEntry(ILogger log, string gate, string why);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Gate {Gate} was entered.")]
    private static partial void LogEntry(ILogger log, string gate);
}
