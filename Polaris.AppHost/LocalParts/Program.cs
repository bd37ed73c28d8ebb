using Polaris.LocalParts;

// What the AppHost's stand-in needs in a process of its own.
return args switch
{
    ["guard"] => Guard.Run(),
    ["sweep"] => Guard.Sweep(),
    ["kafka", var port] => EmbeddedKafka.Run(ushort.Parse(port, System.Globalization.CultureInfo.InvariantCulture)),
    ["topics", var servers] => await CreateTopics.RunAsync(servers),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: guard | sweep | kafka PORT | topics SERVERS");
    return 2;
}
