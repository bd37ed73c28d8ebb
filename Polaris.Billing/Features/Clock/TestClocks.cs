using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Clock;

/// <summary>An org's test clock as of <paramref name="SetAt"/>; without a time the org is back in real time.</summary>
internal sealed record TestClock(Guid Org, Instant? Now, Instant SetAt);

/// <summary>The test clocks of all orgs, in the order in which they were set, for who follows them.</summary>
internal sealed class TestClocks(NpgsqlDataSource database)
{
    public const int PageSize = 1_000;

    /// <param name="after">Only clocks set later, or, at that very time, of a greater org id; null for all.</param>
    /// <param name="afterOrg">The org of the last clock known; empty for all of that time.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<IReadOnlyList<TestClock>> ChangedAsync(Instant? after, Guid afterOrg, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.GetTestClocks, ct);
        await using var command = tx.Command(
            """
            SELECT org_id, frozen_at, clock_set_at FROM orgs WHERE clock_set_at IS NOT NULL AND (clock_set_at, org_id) > ($1, $2)
            ORDER BY clock_set_at, org_id LIMIT $3
            """
        );
        command.Bind(after ?? NodaConstants.UnixEpoch).Bind(afterOrg).Bind(PageSize);
        var clocks = new List<TestClock>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            clocks.Add(
                new TestClock(
                    reader.GetGuid(0),
                    await reader.IsDBNullAsync(1, ct) ? null : reader.GetFieldValue<Instant>(1),
                    reader.GetFieldValue<Instant>(2)
                )
            );
        return clocks;
    }
}
