using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using GraphQL;
using GraphQL.SystemTextJson;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polaris.Gateway.Composition;
using Polaris.ServiceDefaults.GraphQL;
using Xunit;

namespace Polaris.Tests.Federation;

/// <summary>Subgraphs over one world, the gateway before them, and the same schema executed in one process.</summary>
internal sealed class Composition : IAsyncDisposable
{
    private static readonly GraphQLSerializer Serializer = new();
    private readonly WebApplication subgraphs;
    private readonly WebApplication gateway;
    private readonly HttpClient client;

    private Composition(WebApplication subgraphs, WebApplication gateway, Supergraph supergraph, FakeSchema merged)
    {
        (this.subgraphs, this.gateway, Supergraph, Merged) = (subgraphs, gateway, supergraph, merged);
        client = new HttpClient { BaseAddress = new Uri(AddressOf(gateway), "/graphql"), Timeout = TimeSpan.FromSeconds(60) };
    }

    public Supergraph Supergraph { get; }

    public FakeSchema Merged { get; }

    public HttpClient Client => client;

    public IReadOnlyDictionary<string, FakeSchema> Subgraphs { get; private init; } = new Dictionary<string, FakeSchema>();

    /// <summary>The subgraphs that answer 500.</summary>
    public HashSet<string> Broken { get; private init; } = [];

    public GraphQLLimits Limits => gateway.Services.GetRequiredService<IOptions<GraphQLLimits>>().Value;

    public string SupergraphSdl => SdlWriter.Join(Supergraph, name => new Uri(AddressOf(subgraphs), $"/{name}/graphql"));

    public static async Task<Composition> StartAsync(IEnumerable<(string Name, string Sdl)> sources, bool withFailures = false)
    {
        var all = sources.ToArray();
        var supergraph = Composer.Compose(all);
        var world = new FakeWorld(supergraph, withFailures);
        var order = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var own = all.ToDictionary(one => one.Name, one => new FakeSchema(one.Sdl, world, isSubgraph: true) { Mutations = order });
        var broken = new HashSet<string>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var subgraphs = builder.Build();
        subgraphs.MapPost("/{name}/graphql", (HttpContext context, string name) => AnswerAsync(context, own[name], broken.Contains(name)));
        await subgraphs.StartAsync();
        var addresses = all.ToDictionary(one => one.Name, one => new Uri(AddressOf(subgraphs), $"/{one.Name}/graphql"));
        var gateway = ComposeVerb.Build(addresses, new Uri("http://127.0.0.1:0"), "Development");
        await gateway.StartAsync();
        var registry = gateway.Services.GetRequiredService<SchemaRegistry>();
        for (var waited = 0; registry.Current is null; waited++)
        {
            Assert.True(waited < 1_000, "The gateway has not composed the subgraphs.");
            await Task.Delay(20);
        }

        return new Composition(subgraphs, gateway, supergraph, new FakeSchema(SdlWriter.Public(supergraph), world, isSubgraph: false))
        {
            Subgraphs = own,
            Broken = broken,
        };
    }

    public Task<JsonElement> AskAsync(string query, object? variables = null) => AskAsync(client, query, variables);

    public static async Task<JsonElement> AskAsync(HttpClient router, string query, object? variables)
    {
        using var response = await router.PostAsJsonAsync("", new { query, variables });
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    public async Task<JsonElement> ExpectAsync(string query, object? variables = null)
    {
        var inputs = Serializer.Deserialize<Inputs>(JsonSerializer.Serialize(variables ?? new { }));
        return JsonSerializer.Deserialize<JsonElement>(await Merged.ExecuteAsync(query, inputs));
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await gateway.DisposeAsync();
        await subgraphs.DisposeAsync();
    }

    private static async Task AnswerAsync(HttpContext context, FakeSchema schema, bool isBroken)
    {
        if (isBroken)
        {
            context.Response.StatusCode = 500;
            return;
        }

        var request = await context.Request.ReadFromJsonAsync<JsonElement>();
        var variables = request.TryGetProperty("variables", out var given) ? Serializer.Deserialize<Inputs>(given.GetRawText()) : null;
        Task<string> ExecuteAsync() => schema.ExecuteAsync(request.GetProperty("query").GetString()!, variables);
        if (EventStream.IsAccepted(context.Request))
        {
            await StreamAsync(context, schema, ExecuteAsync);
            return;
        }

        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(await ExecuteAsync());
    }

    private static Task StreamAsync(HttpContext context, FakeSchema schema, Func<Task<string>> execute)
    {
        var stream = new EventStream(context);
        return stream.RunAsync(
            async ct =>
            {
                for (var i = 0; i < schema.Events; i++)
                {
                    await stream.BeatAsync();
                    await stream.NextAsync(Encoding.UTF8.GetBytes(await execute()));
                }

                if (schema.Breaks is { } breaks)
                {
                    await breaks.WaitAsync(ct);
                    context.Abort();
                    throw new OperationCanceledException("As if the process had ended.");
                }

                if (schema.StaysOpen)
                    await Task.Delay(Timeout.Infinite, ct);
            },
            context.RequestAborted
        );
    }

    private static Uri AddressOf(WebApplication app) =>
        new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
}
