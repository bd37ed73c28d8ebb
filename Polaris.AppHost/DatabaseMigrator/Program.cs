using System.Collections;
using System.Reflection;

// Runs the `migrate` verb of several services in one process, one after the other: on a developer's machine five processes cost
// three times as much as one. On Kubernetes each service's own image runs it in a Job of its own.
//   arguments     SERVICE...
//   environment   <SERVICE>__<setting>, such as billing__ConnectionStrings__database
foreach (var service in args)
{
    var prefix = service + "__";
    foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
    {
        var name = (string)variable.Key;
        if (name.StartsWith(prefix, StringComparison.Ordinal))
            Environment.SetEnvironmentVariable(name[prefix.Length..], (string?)variable.Value);
    }

    // An exception ends this process, and with it the start: its text is in the log of the resource.
    Assembly.Load("Polaris." + char.ToUpperInvariant(service[0]) + service[1..]).EntryPoint!.Invoke(null, [new[] { "migrate" }]);
    Console.WriteLine($"{service}: migrated");
}
