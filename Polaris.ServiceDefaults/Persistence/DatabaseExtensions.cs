using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polaris.ServiceDefaults.Audit;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.ServiceDefaults.Persistence;

/// <summary>
/// Registers a service's database with the configuration sections, health check and telemetry names of Aspire's Npgsql integration.
/// </summary>
public static class DatabaseExtensions
{
    public const string ConnectionName = "database";
    private const string Section = "Aspire:Npgsql:EntityFrameworkCore:PostgreSQL";

    /// <summary>
    /// Registers a pooled context, its <see cref="NpgsqlDataSource"/> (for SQL that EF cannot express), retries on broken connections and a
    /// health check named after the context. Settings: <c>DisableRetry</c>, <c>DisableHealthChecks</c>, <c>CommandTimeout</c> (seconds).
    /// </summary>
    public static WebApplicationBuilder AddNpgsqlDbContext<TContext>(
        this WebApplicationBuilder builder,
        string connectionName = ConnectionName
    )
        where TContext : PolarisDbContext
    {
        ArgumentNullException.ThrowIfNull(builder);
        var settings = builder.Configuration.GetSection($"{Section}:{typeof(TContext).Name}");
        if (!settings.Exists())
            settings = builder.Configuration.GetSection(Section);
        var connectionString = settings["ConnectionString"] ?? builder.Configuration.GetConnectionString(connectionName);
        var commandTimeout = settings.GetValue("CommandTimeout", 30);
        var retry = !settings.GetValue("DisableRetry", false);

        builder.Services.AddSingleton(services =>
            TenantSql.LogCrossOrg(
                BuildSource(connectionString, connectionName),
                services.GetRequiredService<ILoggerFactory>().CreateLogger<CrossOrgScope>()
            )
        );
        builder.Services.AddPooledDbContextFactory<TContext>(
            (services, options) => Configure(options, services.GetRequiredService<NpgsqlDataSource>(), commandTimeout, retry)
        );
        builder.Services.AddScoped(services =>
        {
            var context = services.GetRequiredService<IDbContextFactory<TContext>>().CreateDbContext();
            context.Tenant = services.GetRequiredService<TenantScope>();
            context.Mutation = services.GetService<MutationAudit>();
            return context;
        });
        if (!settings.GetValue("DisableHealthChecks", false))
            builder
                .Services.AddHealthChecks()
                .Add(
                    new HealthCheckRegistration(
                        typeof(TContext).Name,
                        services => new DatabaseHealthCheck(services.GetRequiredService<NpgsqlDataSource>()),
                        null,
                        ["ready"]
                    )
                );
        return builder;
    }

    /// <summary>Options for <c>dotnet ef</c>: model and provider, without a server.</summary>
    public static DbContextOptions<TContext> DesignTimeOptions<TContext>()
        where TContext : DbContext
    {
        var options = new DbContextOptionsBuilder<TContext>();
        Configure(options, BuildSource("Host=localhost;Database=design", ConnectionName), commandTimeout: 30, retry: false);
        return options.Options;
    }

    internal static void Configure(DbContextOptionsBuilder options, NpgsqlDataSource source, int commandTimeout, bool retry) =>
        options
            .UseNpgsql(
                source,
                npgsql =>
                {
                    npgsql.UseNodaTime().CommandTimeout(commandTimeout);
                    if (retry)
                        npgsql.EnableRetryOnFailure();
                }
            )
            .UseSnakeCaseNamingConvention()
            .AddStatementChecks();

    /// <summary>
    /// Refuses text that cannot be stored, and a query outside a transaction; sets the tenant of a <see cref="PolarisDbContext"/>.
    /// </summary>
    public static DbContextOptionsBuilder AddStatementChecks(this DbContextOptionsBuilder options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.AddInterceptors(TenantInterceptor.Instance);
    }

    internal static NpgsqlDataSource BuildSource(string? connectionString, string connectionName)
    {
        if (string.IsNullOrEmpty(connectionString))
            throw new InvalidOperationException($"The connection string 'ConnectionStrings:{connectionName}' is missing.");
        var source = new NpgsqlDataSourceBuilder(connectionString);
        // Repeated statements are prepared automatically on each connection.
        if (source.ConnectionStringBuilder.MaxAutoPrepare == 0)
            source.ConnectionStringBuilder.MaxAutoPrepare = 100;
        // Settings are scoped to a transaction (TenantSql); resetting the session as well would cost six statements each time.
        source.ConnectionStringBuilder.NoResetOnClose = true;
        source.UseNodaTime();
        return source.Build();
    }

    private sealed class DatabaseHealthCheck(NpgsqlDataSource source) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                await using var command = source.CreateCommand("SELECT 1");
                await command.ExecuteScalarAsync(cancellationToken);
                return HealthCheckResult.Healthy();
            }
            catch (NpgsqlException exception)
            {
                return HealthCheckResult.Unhealthy("The database does not answer.", exception);
            }
        }
    }
}
