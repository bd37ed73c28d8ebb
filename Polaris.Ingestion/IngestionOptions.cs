using System.ComponentModel.DataAnnotations;

namespace Polaris.Ingestion;

/// <summary>Section <c>Ingestion</c>: how much an org, and all of them together, may have on their way into the store. Of one process.</summary>
public sealed class IngestionOptions
{
    public const string Section = "Ingestion";

    /// <summary>Events an org may send a second, on average. It may burst to one second's worth, or one full request if that is more.</summary>
    [Range(1, 100_000_000)]
    public int EventsPerSecond { get; set; } = 200_000;

    /// <summary>Events of an org that may wait for the store at once; at least one full request.</summary>
    [Range(1_000, 100_000_000)]
    public int MaxQueuedEventsPerOrg { get; set; } = 100_000;

    /// <summary>Memory that the requests under way may take, about; more are answered 503. At least one full request.</summary>
    [Range(16 * 1024 * 1024, long.MaxValue)]
    public long MaxBytesUnderWay { get; set; } = 256 * 1024 * 1024;
}
