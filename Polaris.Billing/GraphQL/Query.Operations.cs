using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Operations;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Query
{
    /// <summary>How much the installation counts, how far behind it is and what waits: numbers over all orgs, no data in them.</summary>
    [RequireScope(Scopes.PlatformRead)]
    public static async Task<OperationsType> Operations([FromServices] ReadOperations operations, CancellationToken ct) =>
        OperationsType.Of(await operations.InstallationAsync(ct));

    /// <summary>How much of some orgs is counted and waits, in the order of their ids in the argument.</summary>
    /// <param name="orgIds">The orgs, at most 200. One that has sent nothing, and one that is not there, has zeros.</param>
    [RequireScope(Scopes.PlatformRead)]
    public static async Task<IEnumerable<OrgActivityType>> OrgActivity(
        [FromServices] ReadOperations operations,
        [Id] Guid[] orgIds,
        CancellationToken ct
    ) => (await operations.OrgsAsync(orgIds, ct)).Select(OrgActivityType.Of);
}

/// <summary>The installation as its operators see it, at most two seconds old.</summary>
/// <param name="At">When it was read.</param>
/// <param name="EventsLastMinute">Events counted in the last minute, of all orgs; to ten seconds, as the other two.</param>
/// <param name="EventsLastHour">Events counted in the last hour.</param>
/// <param name="EventsLastDay">Events counted in the last 24 hours.</param>
/// <param name="SlowestMilliseconds">
/// The longest time from the receipt of an event to its being counted, in the last minute; null when nothing was counted.
/// </param>
/// <param name="CountedThrough">
/// Every event received before it was looked for and is counted, or waits as a dead letter; null before the first search. Some 15 seconds
/// ago when all is well.
/// </param>
/// <param name="BusiestOrgs">The orgs with the most events in the last hour, at most 20.</param>
/// <param name="HeldOrgs">Orgs with due invoices that could not be made, by reason, the longest due first, at most 20.</param>
/// <param name="Unpublished">Billing events that wait for the broker, counted up to 10,000.</param>
/// <param name="UnpublishedSince">When the oldest of them was made; null when none waits.</param>
/// <param name="DeadLetters">Records that could not be counted, of all orgs and of nobody's, counted up to 10,000.</param>
/// <param name="DeadLettersSince">When the oldest of them was read; null when there is none.</param>
/// <param name="OpenDifferences">Differences between what is counted and what is stored that are not repaired yet, up to 10,000.</param>
[Name("Operations")]
public sealed record OperationsType(
    Instant At,
    long EventsLastMinute,
    long EventsLastHour,
    long EventsLastDay,
    long? SlowestMilliseconds,
    Instant? CountedThrough,
    IReadOnlyList<OrgEventsType> BusiestOrgs,
    IReadOnlyList<HeldOrgType> HeldOrgs,
    int Unpublished,
    Instant? UnpublishedSince,
    int DeadLetters,
    Instant? DeadLettersSince,
    int OpenDifferences
)
{
    internal static OperationsType Of(InstallationFigures figures) =>
        new(
            figures.At,
            figures.Counted.Minute,
            figures.Counted.Hour,
            figures.Counted.Day,
            figures.Counted.SlowestMs,
            figures.CountedThrough,
            [.. figures.Busiest.Select(one => new OrgEventsType(one.Org, one.Events))],
            [.. figures.Held.Select(one => new HeldOrgType(one.Org, one.Code, one.Invoices, one.DueSince))],
            figures.Events.Count,
            figures.Events.Since,
            figures.DeadLetters.Count,
            figures.DeadLetters.Since,
            figures.OpenDifferences
        );
}

/// <summary>How many events of an org were counted in the last hour.</summary>
/// <param name="OrgId">Whose events they are.</param>
/// <param name="Events">The number of events.</param>
[Name("OrgEvents")]
public sealed record OrgEventsType([property: Id] Guid OrgId, long Events);

/// <summary>An org's due invoices that could not be made, for one reason.</summary>
/// <param name="OrgId">Whose invoices they are.</param>
/// <param name="Code">The reason, as <c>heldInvoices</c> gives it to the org.</param>
/// <param name="Invoices">The number of its invoices that are held for it.</param>
/// <param name="DueSince">The end of the earliest period among them.</param>
[Name("HeldOrg")]
public sealed record HeldOrgType([property: Id] Guid OrgId, string Code, int Invoices, Instant? DueSince);

/// <summary>What is counted of an org, and what waits.</summary>
/// <param name="OrgId">Whose figures they are.</param>
/// <param name="EventsLastHour">Events counted in the last hour, to five minutes.</param>
/// <param name="HeldInvoices">Due invoices that could not be made; up to 10,000 over all orgs that are asked for.</param>
/// <param name="DeadLetters">Records that could not be counted; up to 10,000 over all orgs that are asked for.</param>
[Name("OrgActivity")]
public sealed record OrgActivityType([property: Id] Guid OrgId, long EventsLastHour, int HeldInvoices, int DeadLetters)
{
    internal static OrgActivityType Of(OrgFigures figures) => new(figures.Org, figures.Events, figures.Held, figures.DeadLetters);
}
