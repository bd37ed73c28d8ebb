using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.ServiceDefaults.Persistence;

/// <summary>
/// The base of every service's context. An entity with an <c>OrgId</c> property belongs to an org: queries see only the rows of the
/// context's <see cref="TenantScope"/>, and the database's own policies enforce the same a second time.
/// All reads and writes go through <see cref="InTransactionAsync{T}"/>, which tells the database the scope.
/// </summary>
public abstract class PolarisDbContext(DbContextOptions options) : DbContext(options)
{
    /// <summary>Set by dependency injection when the context is handed out; contexts are pooled.</summary>
    public TenantScope? Tenant { get; set; }

    /// <summary>Used by query filters; a gate sees every org, an unset scope none.</summary>
    internal Guid FilterOrgId => Tenant?.OrgId ?? Guid.Empty;

    internal bool FilterOff => Tenant?.Gate is not null || TestTenancy.NoFilters;

    /// <summary>Runs <paramref name="work"/> in one transaction that sees the scope's rows, retrying it whole when the connection breaks.</summary>
    public Task<T> InTransactionAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (Database.CurrentTransaction is not null) return work(ct);
        return Database.CreateExecutionStrategy().ExecuteAsync(async token =>
        {
            ChangeTracker.Clear();
            await using var transaction = await Database.BeginTransactionAsync(token);
            var result = await work(token);
            await transaction.CommitAsync(token);
            return result;
        }, ct);
    }

    /// <inheritdoc cref="InTransactionAsync{T}"/>
    public Task InTransactionAsync(Func<CancellationToken, Task> work, CancellationToken ct) =>
        InTransactionAsync(async token =>
        {
            await work(token);
            return true;
        }, ct);

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        foreach (var entity in modelBuilder.Model.GetEntityTypes().Where(entity => entity.FindProperty("OrgId") is not null && entity.BaseType is null))
            typeof(PolarisDbContext).GetMethod(nameof(FilterByOrg), System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!
                .MakeGenericMethod(entity.ClrType).Invoke(this, [modelBuilder]);
    }

    private void FilterByOrg<TEntity>(ModelBuilder modelBuilder)
        where TEntity : class =>
        modelBuilder.Entity<TEntity>().HasQueryFilter(row => FilterOff || EF.Property<Guid>(row, "OrgId") == FilterOrgId);
}

/// <summary>Every transaction of a <see cref="PolarisDbContext"/> begins by naming its org or gate; a query outside one is a bug and throws.</summary>
internal sealed class TenantInterceptor : DbTransactionInterceptor, IDbCommandInterceptor
{
    public static readonly TenantInterceptor Instance = new();

    public override async ValueTask<DbTransaction> TransactionStartedAsync(
        DbConnection connection, TransactionEndEventData eventData, DbTransaction result, CancellationToken cancellationToken = default)
    {
        if (eventData.Context is not PolarisDbContext { Tenant: { } tenant } context || connection is not NpgsqlConnection npgsql) return result;
        tenant.Gate?.Enter(context.GetService<ILoggerFactory>().CreateLogger<Gate>());
        await TenantSql.SetScopeAsync(npgsql, (NpgsqlTransaction)result, tenant.OrgId, tenant.Gate, cancellationToken);
        return result;
    }

    public ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
    {
        if (eventData.Context is PolarisDbContext { Tenant: not null } && command.Transaction is null)
            throw new InvalidOperationException("Queries run inside PolarisDbContext.InTransactionAsync: outside it row-level security shows nothing.");
        return ValueTask.FromResult(result);
    }
}
