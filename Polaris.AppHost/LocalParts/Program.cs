using Polaris.LocalParts;

// What the AppHost needs in a process of its own: the embedded broker.
if (args is ["kafka", var port])
    return EmbeddedKafka.Run(ushort.Parse(port, System.Globalization.CultureInfo.InvariantCulture));
Console.Error.WriteLine("usage: kafka PORT");
return 2;
