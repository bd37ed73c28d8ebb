using Polaris.LocalParts;

// What the AppHost needs in processes of their own: the embedded broker, and the mailbox of a local run.
if (args is ["kafka", var port])
    return EmbeddedKafka.Run(ushort.Parse(port, System.Globalization.CultureInfo.InvariantCulture));
if (args is ["mailbox", var smtp, var page])
    return await Mailbox.RunAsync(
        int.Parse(smtp, System.Globalization.CultureInfo.InvariantCulture),
        int.Parse(page, System.Globalization.CultureInfo.InvariantCulture)
    );
Console.Error.WriteLine("usage: kafka PORT | mailbox SMTP-PORT PAGE-PORT");
return 2;
