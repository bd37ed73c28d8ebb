using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.Plans.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Orgs;

/// <summary>A meter's usage, or why it cannot be told at the moment.</summary>
internal sealed record OwnedUsage(MeterUsage Usage, Refusal? Refusal = null);

/// <summary>
/// The usage of one meter key in several orgs, or of several customers: a fixed number of statements, as <see cref="ReadUsage"/> has for
/// one. In the scope of several orgs only.
/// </summary>
internal sealed class ReadUsageOfOrgs(NpgsqlDataSource database, TenantScope tenant, MeterCatalog catalog)
{
    private const ulong NoDigest = 0;

    /// <summary>
    /// Owners whose org has no such meter have no entry, nor those whose org got it a moment ago: it is registered meanwhile.
    /// </summary>
    /// <param name="owners">All with, or all without, a customer.</param>
    /// <param name="meterKey">A meter's key, which means another meter in each org.</param>
    /// <param name="from">Inclusive, a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive, a multiple of 15 minutes.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<IReadOnlyDictionary<Owner, OwnedUsage>> TotalsAsync(
        IReadOnlyList<Owner> owners,
        string meterKey,
        Instant from,
        Instant to,
        CancellationToken ct
    )
    {
        ReadUsage.CheckBounds(from, to);
        await using var tx = await database.BeginOrgsAsync(tenant, ct);
        var meters = await MetersAsync(tx, [.. owners.Select(owner => owner.Org).Distinct()], meterKey, ct);
        foreach (var org in owners.Select(owner => owner.Org).Distinct().Where(org => !meters.ContainsKey(org)))
            catalog.Seen(org);
        Owner[] counted = [.. owners.Where(owner => meters.TryGetValue(owner.Org, out var meter) && meter.Filled)];
        var asked = new Question(counted, meters, from, to);
        var sums = await SumsAsync(tx, asked, ct);
        var uniques = await UniquesAsync(tx, asked.Only(MeterAggregation.UniqueCount), ct);
        var levels = await LevelsAsync(tx, asked.Only(MeterAggregation.WeightedSum), ct);
        var answer = new Dictionary<Owner, OwnedUsage>();
        foreach (var owner in owners.Distinct().Where(owner => meters.ContainsKey(owner.Org)))
            answer.Add(owner, Of(owner));
        return answer;

        OwnedUsage Of(Owner owner)
        {
            var (meter, filled) = meters[owner.Org];
            try
            {
                if (!filled)
                    throw ReadUsage.StillFilling(meter);
                var total = sums.GetValueOrDefault(owner) with { Uniques = uniques.GetValueOrDefault(owner) };
                var usage = ReadUsage.ToUsage(total, meter, new BillingPeriod(from, to), levels.GetValueOrDefault(owner));
                return new OwnedUsage(new MeterUsage(usage.Quantity, usage.EventCount, NoDigest));
            }
            catch (RefusedException exception)
            {
                // Of this org only: the others have their answer.
                return new OwnedUsage(default!, exception.Refusal);
            }
        }
    }

    private sealed record Question(
        Owner[] Owners,
        IReadOnlyDictionary<Guid, (MeterDefinition Meter, bool Filled)> Meters,
        Instant From,
        Instant To
    )
    {
        public bool OfCustomers => Owners is [{ Customer: not null }, ..];

        public Question Only(MeterAggregation aggregation) =>
            this with
            {
                Owners = [.. Owners.Where(owner => Meters[owner.Org].Meter.Aggregation == aggregation)],
            };

        /// <summary>The owners with their meters as <c>o(org_id, meter_id, customer_key)</c>, $2 to $4.</summary>
        public const string Table = "unnest($2::uuid[], $5::uuid[], $6::text[]) o(org_id, meter_id, customer_key)";

        public string Condition(string table) =>
            $"{table}.org_id = ANY($1) AND {table}.org_id = o.org_id AND {table}.meter_id = o.meter_id"
            + (OfCustomers ? $" AND {table}.customer_key = o.customer_key" : "");

        public void Bind(NpgsqlCommand command) =>
            command
                .Bind<Guid[]>([.. Owners.Select(owner => owner.Org).Distinct()])
                .BindColumn(Owners, owner => owner.Org)
                .Bind(From)
                .Bind(To)
                .BindColumn(Owners, owner => Meters[owner.Org].Meter.Id)
                .BindColumn(Owners, owner => owner.Customer);
    }

    private static async Task<Dictionary<Guid, (MeterDefinition Meter, bool Filled)>> MetersAsync(
        ScopedTransaction tx,
        Guid[] orgs,
        string key,
        CancellationToken ct
    )
    {
        await using var command = tx.Command("SELECT org_id, message, filled FROM meters WHERE org_id = ANY($1) AND key = $2");
        command.Bind(orgs).Bind(key);
        var meters = new Dictionary<Guid, (MeterDefinition, bool)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            meters.Add(
                reader.GetGuid(0),
                (MeterCatalog.ToDefinition(Meter.Parser.ParseFrom(reader.GetFieldValue<byte[]>(1))), reader.GetBoolean(2))
            );
        return meters;
    }

    private static async Task<Dictionary<Owner, UsageSums>> SumsAsync(ScopedTransaction tx, Question asked, CancellationToken ct)
    {
        var sums = new Dictionary<Owner, UsageSums>();
        if (asked.Owners.Length == 0)
            return sums;
        await using var command = tx.Command(
            $"""
            SELECT o.org_id, o.customer_key, {StoredSums.Columns} FROM {Question.Table} JOIN usage_aggregates a ON {asked.Condition("a")}
            WHERE a.bucket_start >= $3 AND a.bucket_start < $4 GROUP BY o.org_id, o.customer_key
            """
        );
        asked.Bind(command);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            sums.Add(OwnerOf(reader), StoredSums.Read(reader, 2));
        return sums;
    }

    private static async Task<Dictionary<Owner, long>> UniquesAsync(ScopedTransaction tx, Question asked, CancellationToken ct)
    {
        var counts = new Dictionary<Owner, long>();
        if (asked.Owners.Length == 0)
            return counts;
        await using var command = tx.Command(
            $"""
            SELECT o.org_id, o.customer_key, count(DISTINCT u.value_hash)
            FROM {Question.Table} JOIN usage_uniques u ON {asked.Condition("u")}
            WHERE u.bucket_start >= $3 AND u.bucket_start < $4 GROUP BY o.org_id, o.customer_key
            """
        );
        asked.Bind(command);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            counts.Add(OwnerOf(reader), reader.GetInt64(2));
        return counts;
    }

    /// <summary>Levels at the start: the sums of all earlier changes.</summary>
    private static async Task<Dictionary<Owner, ExactTotal>> LevelsAsync(ScopedTransaction tx, Question asked, CancellationToken ct)
    {
        var levels = new Dictionary<Owner, ExactTotal>();
        if (asked.Owners.Length == 0)
            return levels;
        var customers = asked.OfCustomers ? "SELECT o.customer_key" : null;
        await using var command = tx.Command(
            $"""
            SELECT o.org_id, o.customer_key, coalesce({StoredSums.Units}, 0) FROM {Question.Table}
            CROSS JOIN LATERAL ({LevelCheckpoints.Before(customers, "o.org_id", "o.meter_id")}) a
            WHERE o.org_id = ANY($1) GROUP BY o.org_id, o.customer_key
            """
        );
        asked.Bind(command);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            levels.Add(OwnerOf(reader), StoredSums.Total(reader, 2));
        return levels;
    }

    private static Owner OwnerOf(NpgsqlDataReader reader) => new(reader.GetGuid(0), reader.IsDBNull(1) ? null : reader.GetString(1));
}
