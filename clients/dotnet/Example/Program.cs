// With POLARIS_URL and POLARIS_API_KEY (scopes ingest and read) in the environment.
using System.Text.Json;
using Polaris.Client;

string Setting(string name) => Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException($"{name} is not set.");
await using var polaris = new PolarisClient(new() { Url = new Uri(Setting("POLARIS_URL")), ApiKey = Setting("POLARIS_API_KEY") });
for (var i = 0; i < 1000; i++)
    polaris.Track(
        new()
        {
            Type = "api_call",
            Customer = "acme",
            Properties = new Dictionary<string, object> { ["bytes"] = 512.25m },
        }
    );
await polaris.FlushAsync();
var answer = await polaris.QueryAsync<JsonElement>("{ recentEvents(limit: 3) { type customerKey } }");
Console.WriteLine(answer.GetProperty("recentEvents"));
