using Polaris.Bench;

try
{
    return args switch
    {
        ["replay", var folder, .. var rest] => await new ReplayCommand(Options.Parse(rest)).RunAsync(folder),
        ["demo", ..] => await new DemoCommand(Options.Parse(args[1..])).RunAsync(),
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
        Drives a running Polaris through its public interfaces.

          replay FOLDER [--recompute N|all] [--url URL]   an access log becomes invoices; every figure is compared with expected.json
          demo [--url URL]                                creates the demo tenant, or tops up its recent usage

        The address is --url, else POLARIS_URL, else the gateway of .polaris/endpoints.json here or above, else http://localhost:8080.
        """);
    return 2;
}
