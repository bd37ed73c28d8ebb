using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Local;

/// <summary>What a person sees when everything is up: where things are, how to sign in, and a first request.</summary>
internal static class ReadyMessage
{
    public static void Print(LocalConsole console, IEnumerable<Resource> resources, StateDirectory state, TimeSpan took)
    {
        var rows = resources.Where(resource => resource.Endpoints.Count > 0)
            .SelectMany(resource => resource.Endpoints.Select(endpoint => (Name: endpoint.EndpointName is "http" or "tcp" ? resource.Name : $"{resource.Name} ({endpoint.EndpointName})", endpoint.Url))).ToArray();
        var gateway = resources.SelectMany(resource => resource.Endpoints).FirstOrDefault(endpoint => endpoint.External)?.Url;
        console.Plain($"\nPolaris is ready after {took.TotalSeconds:0.0} s.\n");
        foreach (var (name, url) in rows) console.Plain($"  {name,-22} {url}");
        if (gateway is null) return;
        var direct = rows.FirstOrDefault(row => row.Name == "ingestion").Url is { } ingestion ? $"  (without a hop: {ingestion}/ingest)" : "";
        console.Plain($"\n  dashboard              {gateway}/\n  GraphQL                {gateway}/graphql\n  ingest                 {gateway}/ingest{direct}");
        if (state.Demo() is not { } demo)
        {
            console.Plain($"\n  No demo tenant. Sign up at {gateway}/ .\n");
            return;
        }

        console.Plain($$$"""

              demo sign-in           {{{demo["email"]}}}  /  {{{demo["password"]}}}
              demo API key           {{{demo["apiKey"]}}}

            Send an event:

              curl -s {{{gateway}}}/ingest \
                -H 'Authorization: Bearer {{{demo["apiKey"]}}}' -H 'Content-Type: application/json' \
                -d '{"idempotency_key":"my-first-event","type":"api.call","customer":"acme","properties":{"tokens":42}}'

            The same is in {{{state["endpoints.json"]}}}. Ctrl-C stops everything.

            """);
    }
}
