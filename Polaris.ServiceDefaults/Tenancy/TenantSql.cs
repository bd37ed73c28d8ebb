using System.Data;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Polaris.ServiceDefaults.Tenancy;

/// <summary>Tells the database for whom a transaction works. The row-level security policies read it; without it no row is visible.</summary>
public static class TenantSql
{
    public const string OrgSetting = "polaris.org_id";
    public const string GateSetting = "polaris.gate";

    private static readonly ConditionalWeakTable<NpgsqlDataSource, ILogger> Logs = [];

    /// <summary>For the transaction only (like SET LOCAL): a pooled connection carries nothing over.</summary>
    public static async Task SetScopeAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Guid? orgId, Gate? gate, CancellationToken ct)
    {
        await using var command = ScopeCommand(connection, transaction, orgId, gate);
        await command.ExecuteNonQueryAsync(ct);
    }

    internal static NpgsqlCommand ScopeCommand(NpgsqlConnection connection, NpgsqlTransaction? transaction, Guid? orgId, Gate? gate)
    {
        var command = new NpgsqlCommand("SELECT set_config('polaris.org_id', $1, true), set_config('polaris.gate', $2, true)", connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = orgId?.ToString() ?? "" });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = gate?.Name ?? "" });
        return command;
    }

    /// <summary>Opens a connection with a transaction that sees one org.</summary>
    public static Task<ScopedTransaction> BeginOrgAsync(this NpgsqlDataSource source, Guid orgId, CancellationToken ct) => BeginAsync(source, orgId, null, ct);

    /// <summary>Opens a connection with a transaction that sees all orgs, for the job that the gate names. Counted and logged.</summary>
    public static Task<ScopedTransaction> BeginGateAsync(this NpgsqlDataSource source, Gate gate, CancellationToken ct)
    {
        Enter(source, gate);
        return BeginAsync(source, null, gate, ct);
    }

    /// <summary>As <see cref="BeginOrgAsync"/>, and every statement sees the same moment.</summary>
    public static Task<ScopedTransaction> BeginSnapshotAsync(this NpgsqlDataSource source, Guid orgId, CancellationToken ct) =>
        BeginAsync(source, orgId, null, ct, IsolationLevel.RepeatableRead);

    /// <summary>Entries of gates on this database are logged from now on.</summary>
    internal static NpgsqlDataSource LogGates(NpgsqlDataSource source, ILogger log)
    {
        Logs.AddOrUpdate(source, log);
        return source;
    }

    internal static void Enter(NpgsqlDataSource source, Gate gate)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(gate);
        gate.Enter(Logs.TryGetValue(source, out var log) ? log : null);
    }

    private static async Task<ScopedTransaction> BeginAsync(
        NpgsqlDataSource source, Guid? orgId, Gate? gate, CancellationToken ct, IsolationLevel isolation = IsolationLevel.ReadCommitted)
    {
        ArgumentNullException.ThrowIfNull(source);
        var connection = await source.OpenConnectionAsync(ct);
        try
        {
            var transaction = await connection.BeginTransactionAsync(isolation, ct);
            await SetScopeAsync(connection, transaction, orgId, gate, ct);
            return new ScopedTransaction(connection, transaction) { SeesAllOrgs = gate is not null };
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

    /// <summary>For statements inside a transaction that somebody else commits and disposes, such as EF's.</summary>
    public static ScopedTransaction Borrow(NpgsqlConnection connection, NpgsqlTransaction transaction) => new(connection, transaction) { borrowed = true };

    public NpgsqlConnection Connection { get; } = connection;

    public NpgsqlTransaction Transaction { get; } = transaction;

    /// <summary>Behind a gate.</summary>
    internal bool SeesAllOrgs { get; init; }

    /// <summary>Somebody else's, who goes on with it.</summary>
    internal bool KeepsConnection { get; init; }

    public NpgsqlCommand Command(string sql) => new(SeesAllOrgs ? sql : TestTenancy.Filtered(sql), Connection, Transaction);

    public Task CommitAsync(CancellationToken ct) => Transaction.CommitAsync(ct);

    public async ValueTask DisposeAsync()
    {
        if (borrowed) return;
        await Transaction.DisposeAsync();
        if (!KeepsConnection) await Connection.DisposeAsync();
    }
}
