using NodaTime;

namespace Polaris.Billing.Persistence;

/// <summary>A comparison of all of an org's final invoices with raw events, by sequence. One at a time is unfinished.</summary>
public sealed class InvoiceVerificationRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public Instant StartedAt { get; set; }
    public Instant? FinishedAt { get; set; }

    /// <summary>Final invoices when it started, which are those that it compares.</summary>
    public int Total { get; set; }

    /// <summary>The last of them.</summary>
    public long ThroughSequence { get; set; }

    /// <summary>Everything up to this sequence is done.</summary>
    public long Position { get; set; }

    /// <summary>Times that the next invoice could not be compared because Ingestion did not answer.</summary>
    public int Tries { get; set; }

    public int Identical { get; set; }

    /// <summary>Differ, and later final invoices have the difference.</summary>
    public int Corrected { get; set; }

    /// <summary>Differ, and something is left to invoice or give back.</summary>
    public int Different { get; set; }

    /// <summary>Could not be compared.</summary>
    public int Failed { get; set; }

    /// <summary>The first of those that differ and are not corrected.</summary>
    public Guid[] DifferentIds { get; set; } = [];

    /// <summary>The first of those that could not be compared.</summary>
    public Guid[] FailedIds { get; set; } = [];

    /// <summary>When its last turn began; null before the first.</summary>
    public Instant? TurnAt { get; set; }

    /// <summary>A replica works on it until then; null when none does.</summary>
    public Instant? HeldUntil { get; set; }
}
