using Polaris.Demo;

// What the AppHost runs at every start: where the gateway is, and the folder for demo.json.
try
{
    return await new SeedDemo(new Uri(Setting("POLARIS_URL")), Setting("POLARIS_STATE_DIR")).RunAsync();
}
catch (PolarisException exception)
{
    Console.Error.WriteLine($"demo: {exception.Message}");
    return 1;
}

static string Setting(string name) => Environment.GetEnvironmentVariable(name) ?? throw new PolarisException($"{name} is missing.");
