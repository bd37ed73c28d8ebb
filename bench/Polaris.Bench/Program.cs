using Polaris.Bench;
using Polaris.Bench.Chaos;
using Polaris.Bench.Notify;

try
{
    return args switch
    {
        ["replay", var folder, .. var rest] => await new ReplayCommand(Options.Parse(rest, "--recompute", "--sign-in")).RunAsync(folder),
        ["ingest", .. var rest] => await new IngestCommand(Options.Parse(rest, IngestCommand.Switches)).RunAsync(),
        ["auth", .. var rest] => await new AuthCommand(Options.Parse(rest, AuthCommand.Switches)).RunAsync(),
        ["freshness", .. var rest] => await new FreshnessCommand(Options.Parse(rest, FreshnessCommand.Switches)).RunAsync(),
        ["growth", .. var rest] => await new GrowthCommand(Options.Parse(rest, GrowthCommand.Switches)).RunAsync(),
        ["chaos", .. var rest] => await new ChaosCommand(Options.Parse(rest, ChaosCommand.Switches)).RunAsync(),
        ["outage", .. var rest] => await new OutageCommand(Options.Parse(rest, OutageCommand.Switches)).RunAsync(),
        ["neighbours", .. var rest] => await new NeighboursCommand(Options.Parse(rest, NeighboursCommand.Switches)).RunAsync(),
        ["close", .. var rest] => await new CloseCommand(Options.Parse(rest, CloseCommand.Switches)).RunAsync(),
        ["graphql", .. var rest] => await GraphQLAsync(rest),
        ["organizations", .. var rest] => await new OrganizationsCommand(Options.Parse(rest, OrganizationsCommand.Switches)).RunAsync(),
        ["notify", .. var rest] => await new NotifyCommand(Options.Parse(rest, NotifyCommand.Switches)).RunAsync(),
        ["receiver", var port, .. var log] => await Receiver.RunAsync(int.Parse(port), log is [var file] ? file : null),
        _ => Help(),
    };
}
catch (PolarisException exception)
{
    Console.Error.WriteLine($"bench: {exception.Message}");
    return 1;
}

static async Task<int> GraphQLAsync(string[] rest)
{
    using var command = new GraphQLCommand(Options.Parse(rest, GraphQLCommand.Switches));
    return await command.RunAsync();
}

static int Help()
{
    Console.WriteLine(
        """
        Drives a running Polaris through its public interfaces. See bench/README.md.

          replay FOLDER [--recompute N|all] [--sign-in FILE]   an access log becomes invoices; every figure is compared with expected.json
          ingest [--batches 1,100] [--connections N] [--seconds N] [--duplicates 0,0.5] [--rounds N] [--at ingestion,gateway]
                                              events per second, compared with baselines on the same PostgreSQL
          freshness [--seconds N] [--rate N]  from 202 to visible usage at half the maximum rate
          auth [--keys N] [--seconds N] [--connections N]
                                              authenticating a cached API key, against asking Identity
          growth [--to 10000000] [--orgs N]   rate, freshness and current usage at 1 M, 10 M, … stored events, relative to 1 M
          chaos [--minutes N | --times N] [--seed N] [--faults ingestion,billing,postgres,kafka,wipe] [--every SECONDS] [--rate N]
                [--connections N]
                                              kills processes under load, then compares counted with acknowledged events
          outage [--seconds N] [--rate N]     broker, then PostgreSQL down under load: responses, and memory of each service
          neighbours [--seconds N] [--attacks flood,slow-bodies,huge-batches,mass-closing,mass-rebuild,heavy-queries]
                                              an org's latency and errors while another one does its worst, relative to quiet
          close [--customers 1000,10000,100000] [--orgs N] [--minutes N]
                                              drafts, and invoices finalized, a second at a period end, in one org or several
          graphql --router FOLDER [--gateway DLL] [--connections N] [--seconds N] [--rounds N]
                                              the gateway beside another federation router, over static subgraphs
          organizations [--orgs N] [--connections N] [--seconds N]
                                              a person in 20 orgs asks for all their invoices at once: rate, latency, SQL statements
          notify [--waiting N] [--seconds N] [--rate N]
                                              an org's webhooks beside quiet, endpoints that hang, and an org with N waiting deliveries
          receiver PORT [LOG]                 a receiver of webhooks that answers as the path says, for tests and `notify`

        The address is --url, else POLARIS_URL, else the gateway of .polaris/endpoints.json in this folder or above,
        else http://localhost:8080.
        --state FOLDER names the AppHost's state folder, by default .polaris in this folder or above; --postgres a server for the baselines.
        """
    );
    return 2;
}
