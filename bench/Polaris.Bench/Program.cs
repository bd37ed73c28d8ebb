using Polaris.Bench;
using Polaris.Bench.Chaos;

try
{
    return args switch
    {
        ["replay", var folder, .. var rest] => await new ReplayCommand(Options.Parse(rest, "--recompute")).RunAsync(folder),
        ["demo", .. var rest] => await new DemoCommand(Options.Parse(rest)).RunAsync(),
        ["ingest", .. var rest] => await new IngestCommand(Options.Parse(rest, IngestCommand.Switches)).RunAsync(),
        ["auth", .. var rest] => await new AuthCommand(Options.Parse(rest, AuthCommand.Switches)).RunAsync(),
        ["freshness", .. var rest] => await new FreshnessCommand(Options.Parse(rest, FreshnessCommand.Switches)).RunAsync(),
        ["growth", .. var rest] => await new GrowthCommand(Options.Parse(rest, GrowthCommand.Switches)).RunAsync(),
        ["chaos", .. var rest] => await new ChaosCommand(Options.Parse(rest, ChaosCommand.Switches)).RunAsync(),
        ["outage", .. var rest] => await new OutageCommand(Options.Parse(rest, OutageCommand.Switches)).RunAsync(),
        _ => Help(),
    };
}
catch (PolarisException exception)
{
    Console.Error.WriteLine($"bench: {exception.Message}");
    return 1;
}

static int Help()
{
    Console.WriteLine("""
        Drives a running Polaris through its public interfaces. bench/README.md tells more.

          replay FOLDER [--recompute N|all]   an access log becomes invoices; every figure is compared with expected.json
          demo                                creates the demo tenant, or tops up its recent usage
          ingest [--batches 1,100] [--connections N] [--seconds N] [--duplicates 0,0.5] [--rounds N] [--at ingestion,gateway]
                                              events a second, beside what the same PostgreSQL takes bare, and one row a commit
          freshness [--seconds N] [--rate N]  from 202 to visible usage at half the maximum rate
          auth [--keys N] [--seconds N] [--connections N]
                                              an API key that the service knows of, against one that it has to ask Identity about
          growth [--to 10000000] [--orgs N]   rate, freshness and current usage at 1 M, 10 M, … stored events, and what they are of those at 1 M
          chaos [--minutes N] [--seed N] [--faults ingestion,billing,postgres,kafka,wipe] [--every SECONDS] [--rate N] [--connections N]
                                              load while processes are killed; then everything acknowledged is compared with what is counted
          outage [--seconds N] [--rate N]     the broker and then PostgreSQL down under load: answers, and the memory of each service

        The address is --url, else POLARIS_URL, else the gateway of .polaris/endpoints.json here or above, else http://localhost:8080.
        --state FOLDER names the AppHost's state folder when it is not .polaris here or above; --postgres a server for the bare mark.
        """);
    return 2;
}
