using System.ComponentModel.DataAnnotations;

namespace Polaris.Ingestion;

/// <summary>Section <c>Ingestion</c>: limits on what an org, and all orgs together, may have in progress. Per process.</summary>
public sealed class IngestionOptions
{
    public const string Section = "Ingestion";

    /// <summary>Events of an org that may be waiting to be stored; at least one full request.</summary>
    [Range(1_000, 100_000_000)]
    public int MaxQueuedEventsPerOrg { get; set; } = 100_000;

    /// <summary>Approximate memory of all requests in progress; further ones are answered 503. At least one full request.</summary>
    [Range(16 * 1024 * 1024, long.MaxValue)]
    public long MaxBytesInFlight { get; set; } = 256 * 1024 * 1024;

    /// <summary>One org's part of <see cref="MaxBytesInFlight"/>; more is answered 429.</summary>
    [Range(16 * 1024 * 1024, long.MaxValue)]
    public long MaxBytesInFlightPerOrg { get; set; } = 64 * 1024 * 1024;

    /// <summary>Requests of one API key that may be in progress, however slowly their bodies arrive; more are answered 429.</summary>
    [Range(1, 100_000)]
    public int MaxRequestsPerKey { get; set; } = 256;

    /// <summary>For a request's body to arrive; 408 after that.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromSeconds(30);
}
