namespace Polaris.Client;

/// <summary>Settings of a <see cref="PolarisClient"/>.</summary>
public sealed class PolarisClientOptions
{
    /// <summary>The public address, such as <c>https://polaris.example.com</c>.</summary>
    public required Uri Url { get; init; }

    /// <summary>An API key: scope <c>ingest</c> to send events, <c>read</c> to ask.</summary>
    public required string ApiKey { get; init; }

    /// <summary>How many events may wait.</summary>
    public int MaxBuffered { get; init; } = 10_000;

    /// <summary>How long an event waits for others to share its request.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long an event is tried to be sent.</summary>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a request may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Told of each tracked event that was not stored. It must not throw. Writes to standard error by default.</summary>
    public Action<UsageEventException> OnError { get; init; } =
        error => Console.Error.WriteLine($"polaris: {error.Event.IdempotencyKey} was not stored: {error.Message}");

    /// <summary>Sends the requests; one of its own by default. Whoever gives one disposes it.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>The clock of defaults and waits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
