using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Polaris.AppHost.Publishing;
using Polaris.ServiceDefaults.Contracts;

namespace Polaris.AppHost.Hosting;

/// <summary>A Kafka broker, in the shape of the package Aspire.Hosting.Kafka, which replaces this file where it is served.</summary>
internal sealed class KafkaServerResource(string name) : ContainerResource(name), IResourceWithConnectionString
{
    public const string EndpointName = "tcp";

    public EndpointReference PrimaryEndpoint => new(this, EndpointName);

    public ReferenceExpression ConnectionStringExpression =>
        this.TryGetLastAnnotation<ConnectionStringRedirectAnnotation>(out var other)
            ? other.Resource.ConnectionStringExpression
            : ReferenceExpression.Create(
                $"{PrimaryEndpoint.Property(EndpointProperty.Host)}:{PrimaryEndpoint.Property(EndpointProperty.Port)}"
            );
}

internal static class KafkaBuilderExtensions
{
    public const string Image = "apache/kafka";
    public const string Tag = "4.1.0";

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    /// <summary>A broker with the installation's topics, which are created when it is up: services never create one.</summary>
    public static IResourceBuilder<KafkaServerResource> AddKafka(this IDistributedApplicationBuilder builder, string name)
    {
        var server = new KafkaServerResource(name);
        var check = name + "_check";
        builder.Services.AddHealthChecks().AddAsyncCheck(check, ct => CheckAsync(server, ct));
        var kafka = builder
            .AddResource(server)
            .WithImage(Image, Tag)
            .WithImageRegistry("docker.io")
            .WithEndpoint(targetPort: 9092, name: KafkaServerResource.EndpointName)
            .WithHealthCheck(check)
            .OnResourceReady(async (_, _, ct) => await CreateTopicsAsync(await ConnectionStringAsync(server, ct), ct));
        return builder.ExecutionContext.IsPublishMode ? kafka.RunAsContainer() : kafka;
    }

    public static async Task<bool> IsReadyAsync(KafkaServerResource server, CancellationToken ct) =>
        (await CheckAsync(server, ct)).Status == HealthStatus.Healthy;

    private static async Task<HealthCheckResult> CheckAsync(KafkaServerResource server, CancellationToken ct)
    {
        using var admin = Admin(await ConnectionStringAsync(server, ct));
        try
        {
            // The client's own call blocks its thread.
            await Task.Run(() => admin.GetMetadata(AnswerTimeout), ct);
            return HealthCheckResult.Healthy();
        }
        catch (KafkaException exception)
        {
            return HealthCheckResult.Unhealthy(exception.Error.Reason);
        }
    }

    /// <summary>Creates what is missing. The embedded broker has created them itself and refuses the request.</summary>
    private static async Task CreateTopicsAsync(string servers, CancellationToken ct)
    {
        using var admin = Admin(servers);
        var known = (await Task.Run(() => admin.GetMetadata(AnswerTimeout), ct)).Topics.Select(topic => topic.Topic).ToHashSet();
        var missing = Topics
            .All.Where(topic => !known.Contains(topic.Name))
            .Select(topic => new TopicSpecification
            {
                Name = topic.Name,
                NumPartitions = topic.Partitions,
                ReplicationFactor = -1,
            })
            .ToArray();
        if (missing.Length == 0)
            return;
        try
        {
            await admin.CreateTopicsAsync(missing);
        }
        catch (CreateTopicsException exception)
            when (exception.Results.All(result => result.Error.Code is ErrorCode.NoError or ErrorCode.TopicAlreadyExists))
        {
            // Somebody else was faster.
        }
    }

    private static async Task<string> ConnectionStringAsync(IResourceWithConnectionString server, CancellationToken ct) =>
        await server.GetConnectionStringAsync(ct) ?? throw new DistributedApplicationException($"{server.Name} has no address yet.");

    private static IAdminClient Admin(string servers) =>
        new AdminClientBuilder(new AdminClientConfig { BootstrapServers = servers }).SetLogHandler((_, _) => { }).Build();
}
