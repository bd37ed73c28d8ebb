using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polaris.ServiceDefaults.Audit;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.ServiceDefaults.Persistence;

/// <summary>
/// The base of every service's context. An entity with an <c>OrgId</c> property belongs to an org: queries see only rows of the context's
/// <see cref="TenantScope"/>, and row-level security enforces the same again. All reads and writes go through
/// <see cref="InTransactionAsync{T}"/>, which sets the scope in the database.
/// </summary>
public abstract class PolarisDbContext(DbContextOptions options) : DbContext(options)
{
    /// <summary>Set by dependency injection when a context is leased from the pool.</summary>
    public TenantScope? Tenant { get; set; }

    /// <summary>The request's mutation, set with <see cref="Tenant"/>; null outside of requests.</summary>
    public MutationAudit? Mutation { get; set; }

    /// <summary>Whether mutations leave entries in a table <c>audit_log</c> of this context.</summary>
    protected virtual bool AuditsMutations => false;

    /// <summary>Woken once, when the current transaction is committed: what it waits for cannot be seen earlier.</summary>
    public WakeSignal? WakeAfterCommit { get; set; }

    /// <summary>Used by query filters. Cross-org work sees every org, an unset scope none.</summary>
    internal Guid FilterOrgId => Tenant?.OrgId ?? Guid.Empty;

    internal bool FilterOff => Tenant?.CrossOrg is not null || TestTenancy.NoFilters;

    /// <summary>Tries of a transaction that loses a race against another one: the next try sees what the other has written.</summary>
    private const int RaceTries = 3;

    /// <summary>
    /// Runs <paramref name="work"/> in one transaction that sees the scope's rows, and retries all of it when the connection breaks, or
    /// when another transaction created or changed the same row meanwhile.
    /// </summary>
    public async Task<T> InTransactionAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (Database.CurrentTransaction is not null)
            return await work(ct);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await Database
                    .CreateExecutionStrategy()
                    .ExecuteAsync(
                        async token =>
                        {
                            ChangeTracker.Clear();
                            WakeAfterCommit = null;
                            await using var transaction = await Database.BeginTransactionAsync(token);
                            var result = await work(token);
                            var audited = AuditsMutations && await AuditAsync(transaction, token);
                            await transaction.CommitAsync(token);
                            if (audited)
                                Mutation!.End();
                            WakeAfterCommit?.Wake();
                            WakeAfterCommit = null;
                            return result;
                        },
                        ct
                    );
            }
            catch (Exception exception) when (attempt < RaceTries && IsLostRace(exception))
            {
                // The next try reads what the winner wrote.
            }
        }
    }

    private Task<bool> AuditAsync(IDbContextTransaction transaction, CancellationToken ct) =>
        Mutation is { IsPending: true } mutation && Tenant?.OrgId is { } org
            ? mutation.StoreAsync((NpgsqlConnection)Database.GetDbConnection(), (NpgsqlTransaction)transaction.GetDbTransaction(), org, ct)
            : Task.FromResult(false);

    private static bool IsLostRace(Exception exception) =>
        exception
            is DbUpdateConcurrencyException
                or PostgresException { SqlState: PostgresErrorCodes.UniqueViolation }
                or DbUpdateException { InnerException: PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } };

    /// <inheritdoc cref="InTransactionAsync{T}"/>
    public Task InTransactionAsync(Func<CancellationToken, Task> work, CancellationToken ct) =>
        InTransactionAsync(
            async token =>
            {
                await work(token);
                return true;
            },
            ct
        );

    /// <summary>
    /// Rows of the scope's orgs in work that reads several (<see cref="TenantScope.EnterOrgs"/>). The query filter is for one: an OR of
    /// both in each statement would cost the hot ones their plan.
    /// </summary>
    public IQueryable<TEntity> OfOrgs<TEntity>()
        where TEntity : class
    {
        Guid[] orgs = [.. Tenant?.Orgs ?? throw new InvalidOperationException("No orgs were entered in this scope.")];
        var all = Set<TEntity>().IgnoreQueryFilters().AsNoTracking();
        return TestTenancy.NoFilters ? all : all.Where(row => orgs.Contains(EF.Property<Guid>(row, "OrgId")));
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        foreach (
            var entity in modelBuilder
                .Model.GetEntityTypes()
                .Where(entity => entity.FindProperty("OrgId") is not null && entity.BaseType is null)
        )
            typeof(PolarisDbContext)
                .GetMethod(nameof(FilterByOrg), System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!
                .MakeGenericMethod(entity.ClrType)
                .Invoke(this, [modelBuilder]);
    }

    private void FilterByOrg<TEntity>(ModelBuilder modelBuilder)
        where TEntity : class =>
        modelBuilder.Entity<TEntity>().HasQueryFilter(row => FilterOff || EF.Property<Guid>(row, "OrgId") == FilterOrgId);
}

/// <summary>
/// Sets the tenant scope at the start of every transaction of a <see cref="PolarisDbContext"/>; a query outside a transaction is a bug and
/// throws.
/// </summary>
internal sealed class TenantInterceptor : DbTransactionInterceptor, IDbCommandInterceptor, IDbConnectionInterceptor
{
    public static readonly TenantInterceptor Instance = new();

    /// <summary>Connections on which a statement failed since they were opened, see <see cref="PreparedStatements"/>.</summary>
    private static readonly ConditionalWeakTable<DbConnection, object> Failed = [];

    public Task CommandFailedAsync(DbCommand command, CommandErrorEventData eventData, CancellationToken cancellationToken = default)
    {
        if (command.Connection is { } connection && PreparedStatements.MayBeWrongAfter(eventData.Exception))
            Failed.AddOrUpdate(connection, this);
        return Task.CompletedTask;
    }

    public ValueTask<InterceptionResult> ConnectionClosingAsync(
        DbConnection connection,
        ConnectionEventData eventData,
        InterceptionResult result
    )
    {
        if (Failed.Remove(connection))
            PreparedStatements.Drop((NpgsqlConnection)connection);
        return ValueTask.FromResult(result);
    }

    public override async ValueTask<DbTransaction> TransactionStartedAsync(
        DbConnection connection,
        TransactionEndEventData eventData,
        DbTransaction result,
        CancellationToken cancellationToken = default
    )
    {
        if (eventData.Context is not PolarisDbContext { Tenant: { } tenant } context || connection is not NpgsqlConnection npgsql)
            return result;
        tenant.CrossOrg?.Enter(context.GetService<ILoggerFactory>().CreateLogger<CrossOrgScope>());
        if (tenant.Orgs is { } orgs)
            await TenantSql.SetOrgsAsync(npgsql, (NpgsqlTransaction)result, orgs, cancellationToken);
        else
            await TenantSql.SetScopeAsync(npgsql, (NpgsqlTransaction)result, tenant.OrgId, tenant.CrossOrg, cancellationToken);
        return result;
    }

    public ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command,
        CommandEventData eventData,
        InterceptionResult<DbDataReader> result,
        CancellationToken cancellationToken = default
    )
    {
        if (eventData.Context is PolarisDbContext { Tenant: not null } && command.Transaction is null)
            throw new InvalidOperationException(
                "Run queries inside PolarisDbContext.InTransactionAsync: outside it row-level security hides all rows."
            );
        StorableText.Check(command);
        return ValueTask.FromResult(result);
    }

    public ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command,
        CommandEventData eventData,
        InterceptionResult<int> result,
        CancellationToken cancellationToken = default
    )
    {
        StorableText.Check(command);
        return ValueTask.FromResult(result);
    }

    public ValueTask<InterceptionResult<object>> ScalarExecutingAsync(
        DbCommand command,
        CommandEventData eventData,
        InterceptionResult<object> result,
        CancellationToken cancellationToken = default
    )
    {
        StorableText.Check(command);
        return ValueTask.FromResult(result);
    }
}
