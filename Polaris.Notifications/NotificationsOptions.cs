using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Polaris.Notifications;

/// <summary>How webhooks and mails are sent.</summary>
internal sealed class NotificationsOptions
{
    public const string Section = "Notifications";

    /// <summary>The wait after a first failed try; each further one is four times as long.</summary>
    public TimeSpan FirstRetryAfter { get; set; } = TimeSpan.FromSeconds(5);

    public TimeSpan LongestRetryAfter { get; set; } = TimeSpan.FromHours(8);

    /// <summary>After this a delivery has failed.</summary>
    public TimeSpan GiveUpAfter { get; set; } = TimeSpan.FromDays(1);

    /// <summary>For a whole request, from the connection to the end of the answer.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Failures in a row after which an endpoint gets a pause, and then one delivery at a time.</summary>
    [Range(1, 1_000)]
    public int BreakAfter { get; set; } = 5;

    public TimeSpan FirstBreak { get; set; } = TimeSpan.FromSeconds(30);

    public TimeSpan LongestBreak { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>An endpoint that fails for this long without one success is disabled.</summary>
    public TimeSpan DisableAfter { get; set; } = TimeSpan.FromDays(3);

    /// <summary>Requests to one endpoint at a time.</summary>
    [Range(1, 64)]
    public int RequestsPerEndpoint { get; set; } = 4;

    /// <summary>How long events, deliveries and their attempts are kept.</summary>
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(30);

    /// <summary>An event is asked for in Billing's outbox when it was published this long ago and has not arrived.</summary>
    public TimeSpan MissAfter { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether endpoints may have addresses that begin with http:// as well.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>Networks, in CIDR notation and comma-separated, that endpoints may be in although they are not public.</summary>
    public string AllowedNetworks { get; set; } = "";

    /// <exception cref="FormatException">One of them is no network.</exception>
    public IReadOnlyList<IPNetwork> Networks() =>
        [
            .. AllowedNetworks
                .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(text => IPNetwork.Parse(text)),
        ];
}

/// <summary>The mail server. Without a host no mail is sent, and what is to be sent waits.</summary>
internal sealed class SmtpOptions
{
    public const string Section = "Smtp";

    public string Host { get; set; } = "";

    [Range(1, 65_535)]
    public int Port { get; set; } = 587;

    public string User { get; set; } = "";

    public string Password { get; set; } = "";

    /// <summary>Who mails are from.</summary>
    [Required]
    public string From { get; set; } = "Polaris <no-reply@polaris.invalid>";

    /// <summary>Whether the connection must be encrypted; only a server on the same machine does without.</summary>
    public bool RequireTls { get; set; } = true;
}
