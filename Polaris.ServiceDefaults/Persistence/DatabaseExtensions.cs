using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.ServiceDefaults.Persistence;

/// <summary>Registers a service's database the way Aspire's Npgsql integration does: same sections, health check and telemetry names.</summary>
public static class DatabaseExtensions
{
    public const string ConnectionName = "database";
    private const string Section = "Aspire:Npgsql:EntityFrameworkCore:PostgreSQL";

    /// <summary>
    /// A pooled context, its <see cref="NpgsqlDataSource"/> (for SQL that EF cannot write), retries on broken connections and a health check
    /// named after the context. Settings: <c>DisableRetry</c>, <c>DisableHealthChecks</c>, <c>CommandTimeout</c> (seconds).
    /// </summary>
    public static WebApplicationBuilder AddNpgsqlDbContext<TContext>(this WebApplicationBuilder builder, string connectionName = ConnectionName)
        where TContext : PolarisDbContext
    {
        ArgumentNullException.ThrowIfNull(builder);
        var settings = builder.Configuration.GetSection($"{Section}:{typeof(TContext).Name}");
        if (!settings.Exists()) settings = builder.Configuration.GetSection(Section);
        var connectionString = settings["ConnectionString"] ?? builder.Configuration.GetConnectionString(connectionName);
        var commandTimeout = settings.GetValue("CommandTimeout", 30);
        var retry = !settings.GetValue("DisableRetry", false);

        builder.Services.AddSingleton(services => TenantSql.LogGates(BuildSource(connectionString, connectionName), services.GetRequiredService<ILoggerFactory>().CreateLogger<Gate>()));
        builder.Services.AddPooledDbContextFactory<TContext>((services, options) =>
            Configure(options, services.GetRequiredService<NpgsqlDataSource>(), commandTimeout, retry));
        builder.Services.AddScoped(services =>
        {
            var context = services.GetRequiredService<IDbContextFactory<TContext>>().CreateDbContext();
            context.Tenant = services.GetRequiredService<TenantScope>();
            return context;
        });
        if (!settings.GetValue("DisableHealthChecks", false))
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
                typeof(TContext).Name, services => new DatabaseHealthCheck(services.GetRequiredService<NpgsqlDataSource>()), null, ["ready"]));
        return builder;
    }

    /// <summary>Options for <c>dotnet ef</c>: the model and provider, no server.</summary>
    public static DbContextOptions<TContext> DesignTimeOptions<TContext>()
        where TContext : DbContext
    {
        var options = new DbContextOptionsBuilder<TContext>();
        Configure(options, BuildSource("Host=localhost;Database=design", ConnectionName), commandTimeout: 30, retry: false);
        return options.Options;
    }

    internal static void Configure(DbContextOptionsBuilder options, NpgsqlDataSource source, int commandTimeout, bool retry) => options
        .UseNpgsql(source, npgsql =>
        {
            npgsql.UseNodaTime().CommandTimeout(commandTimeout);
            if (retry) npgsql.EnableRetryOnFailure();
        })
        .UseSnakeCaseNamingConvention()
        .AddInterceptors(TenantInterceptor.Instance);

    internal static NpgsqlDataSource BuildSource(string? connectionString, string connectionName)
    {
        if (string.IsNullOrEmpty(connectionString))
            throw new InvalidOperationException($"The connection string 'ConnectionStrings:{connectionName}' is missing.");
        var source = new NpgsqlDataSourceBuilder(connectionString);
        // Statements that repeat are planned once a connection.
        if (source.ConnectionStringBuilder.MaxAutoPrepare == 0) source.ConnectionStringBuilder.MaxAutoPrepare = 100;
        // All that is set is set for its transaction (TenantSql); clearing the session as well would be six statements more each time.
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
