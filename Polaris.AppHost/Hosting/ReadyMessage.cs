using Aspire.Hosting.ApplicationModel;

namespace Polaris.AppHost.Hosting;

/// <summary>What a person sees when everything is up: where things are, how to sign in, and a first request.</summary>
internal static class ReadyMessage
{
    public static void Print(DistributedApplicationModel model, StateDirectory state, string? aspireDashboard, TimeSpan took)
    {
        var rows = model
            .Resources.OfType<IResourceWithEndpoints>()
            .SelectMany(resource => resource.GetEndpoints().Select(endpoint => (Resource: resource, resource.Name, Endpoint: endpoint)))
            .Where(row => row.Endpoint.IsAllocated && row.Name != Startup.AspireDashboard)
            .Select(row =>
                (
                    Name: row.Endpoint.EndpointName switch
                    {
                        "public" or "tcp" => row.Name,
                        "http" when row.Resource.GetEndpoints().All(other => other.EndpointName != "public") => row.Name,
                        "http" => row.Name + " (internal)",
                        var name => $"{row.Name} ({name})",
                    },
                    row.Endpoint.Url
                )
            )
            .ToArray();
        string Url(string name) => rows.First(row => row.Name == name).Url;
        Console.WriteLine($"\nPolaris is ready after {took.TotalSeconds:0.0} s.\n");
        foreach (var (name, url) in rows)
            Console.WriteLine($"  {name, -22} {url}");
        Console.WriteLine(
            $"""

              dashboard              {Url("gateway")}/
              GraphQL                {Url("gateway")}/graphql
              ingest                 {Url("gateway")}/ingest  (without a hop: {Url("ingestion")}/ingest)
              mails                  {rows.FirstOrDefault(row => row.Name == "mailbox").Url ?? "(sent by the server that Smtp__Host names)"}
              traces, logs, metrics  {aspireDashboard ?? "(the Aspire dashboard does not run)"}
            """
        );
        if (state.Demo() is not { } demo)
        {
            Console.WriteLine($"\n  No demo tenant. Sign up at {Url("gateway")}/ .\n");
            return;
        }

        Console.WriteLine(
            $$$"""

              demo sign-in           {{{demo["email"]}}}  /  {{{demo["password"]}}}
              demo API key           {{{demo["apiKey"]}}}

            Send an event:

              curl -s {{{Url("gateway")}}}/ingest \
                -H 'Authorization: Bearer {{{demo["apiKey"]}}}' -H 'Content-Type: application/json' \
                -d '{"idempotency_key":"my-first-event","type":"api.call","customer":"acme","properties":{"tokens":42}}'

            The same is in {{{state["endpoints.json"]}}}. Ctrl-C stops everything.

            """
        );
    }
}
