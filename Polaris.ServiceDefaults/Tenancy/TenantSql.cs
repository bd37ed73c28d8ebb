using System.Data;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.ServiceDefaults.Tenancy;

/// <summary>Sets a transaction's tenant scope in the database. Row-level security reads it; without it no row is visible.</summary>
public static class TenantSql
{
    public const string OrgSetting = "polaris.org_id";
    public const string CrossOrgSetting = "polaris.cross_org";

    /// <summary>Ids of several orgs, separated by commas.</summary>
    public const string OrgsSetting = "polaris.org_ids";

    private static readonly ConditionalWeakTable<NpgsqlDataSource, ILogger> Logs = [];

    /// <summary>Sets the scope for the transaction only (like SET LOCAL), so that a pooled connection carries nothing over.</summary>
    public static async Task SetScopeAsync(
        NpgsqlConnection connection,
        NpgsqlTransaction transaction,
        Guid? orgId,
        CrossOrgScope? scope,
        CancellationToken ct
    )
    {
        await using var command = ScopeCommand(connection, transaction, orgId, scope);
        await command.ExecuteNonQueryAsync(ct);
    }

    internal static NpgsqlCommand ScopeCommand(
        NpgsqlConnection connection,
        NpgsqlTransaction? transaction,
        Guid? orgId,
        CrossOrgScope? scope
    )
    {
        var command = new NpgsqlCommand(
            "SELECT set_config('polaris.org_id', $1, true), set_config('polaris.cross_org', $2, true)",
            connection,
            transaction
        );
        command.Bind(orgId?.ToString() ?? "").Bind(scope?.Name ?? "");
        return command;
    }

    /// <summary>The same for a transaction that reads several orgs, and can write none.</summary>
    internal static async Task SetOrgsAsync(
        NpgsqlConnection connection,
        NpgsqlTransaction transaction,
        IReadOnlyList<Guid> orgs,
        CancellationToken ct
    )
    {
        await using var command = new NpgsqlCommand(
            "SELECT set_config('polaris.org_ids', $1, true), set_config('transaction_read_only', 'on', true)",
            connection,
            transaction
        );
        command.Bind(string.Join(',', orgs));
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Begins a transaction that sees the orgs of a <see cref="TenantScope"/>, and can write none.</summary>
    public static async Task<ScopedTransaction> BeginOrgsAsync(this NpgsqlDataSource source, TenantScope tenant, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(tenant);
        var orgs = tenant.Orgs ?? throw new InvalidOperationException("No orgs were entered in this scope.");
        var connection = await source.OpenConnectionAsync(ct);
        try
        {
            var transaction = await connection.BeginTransactionAsync(ct);
            await SetOrgsAsync(connection, transaction, orgs, ct);
            return new ScopedTransaction(connection, transaction);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Begins a transaction that sees one org.</summary>
    public static Task<ScopedTransaction> BeginOrgAsync(this NpgsqlDataSource source, Guid orgId, CancellationToken ct) =>
        BeginAsync(source, orgId, null, ct);

    /// <summary>Begins a transaction with cross-org access, for the given reason. Counted and logged.</summary>
    public static Task<ScopedTransaction> BeginCrossOrgAsync(this NpgsqlDataSource source, CrossOrgScope scope, CancellationToken ct)
    {
        Enter(source, scope);
        return BeginAsync(source, null, scope, ct);
    }

    /// <summary>Like <see cref="BeginOrgAsync"/>, with one snapshot for all statements (repeatable read).</summary>
    public static Task<ScopedTransaction> BeginSnapshotAsync(this NpgsqlDataSource source, Guid orgId, CancellationToken ct) =>
        BeginAsync(source, orgId, null, ct, IsolationLevel.RepeatableRead);

    /// <summary>Enables logging of cross-org access on this data source.</summary>
    internal static NpgsqlDataSource LogCrossOrg(NpgsqlDataSource source, ILogger log)
    {
        Logs.AddOrUpdate(source, log);
        return source;
    }

    internal static void Enter(NpgsqlDataSource source, CrossOrgScope scope)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(scope);
        scope.Enter(Logs.TryGetValue(source, out var log) ? log : null);
    }

    private static async Task<ScopedTransaction> BeginAsync(
        NpgsqlDataSource source,
        Guid? orgId,
        CrossOrgScope? scope,
        CancellationToken ct,
        IsolationLevel isolation = IsolationLevel.ReadCommitted
    )
    {
        ArgumentNullException.ThrowIfNull(source);
        var connection = await source.OpenConnectionAsync(ct);
        try
        {
            var transaction = await connection.BeginTransactionAsync(isolation, ct);
            await SetScopeAsync(connection, transaction, orgId, scope, ct);
            return new ScopedTransaction(connection, transaction) { SeesAllOrgs = scope is not null };
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}

/// <summary>A connection and its transaction; disposing without <see cref="CommitAsync"/> rolls back.</summary>
public sealed class ScopedTransaction(NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
{
    private bool borrowed;
    private bool committed;

    /// <summary>For statements inside a transaction that its owner commits and disposes, such as EF's.</summary>
    public static ScopedTransaction Borrow(NpgsqlConnection connection, NpgsqlTransaction transaction) =>
        new(connection, transaction) { borrowed = true };

    public NpgsqlConnection Connection { get; } = connection;

    public NpgsqlTransaction Transaction { get; } = transaction;

    /// <summary>Has cross-org access.</summary>
    internal bool SeesAllOrgs { get; init; }

    /// <summary>The connection belongs to its owner and stays open.</summary>
    internal bool KeepsConnection { get; init; }

    public NpgsqlCommand Command(string sql) => new(SeesAllOrgs ? sql : TestTenancy.Filtered(sql), Connection, Transaction);

    public async Task CommitAsync(CancellationToken ct)
    {
        await Transaction.CommitAsync(ct);
        committed = true;
    }

    public async ValueTask DisposeAsync()
    {
        if (borrowed)
            return;
        try
        {
            if (!committed && Connection.State == ConnectionState.Open)
                await PreparedStatements.RollBackAsync(Connection, Transaction);
        }
        finally
        {
            await Transaction.DisposeAsync();
            if (!KeepsConnection)
                await Connection.DisposeAsync();
        }
    }
}
