using System.Collections.Concurrent;
using Polaris.Identity.V1;
using IdentityClient = Polaris.Identity.V1.Identity.IdentityClient;

namespace Polaris.Notifications.Features.Mail;

/// <summary>Names of orgs, as Identity has them; asked for again after a minute.</summary>
internal sealed class OrgNames(IdentityClient identity, TimeProvider time)
{
    /// <summary>What a mail without an org is from.</summary>
    public const string Installation = "Polaris";

    private const int KeptNames = 10_000;
    private static readonly TimeSpan KeepFor = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<Guid, (string Name, DateTimeOffset Until)> known = new();

    public async Task<string> GetAsync(Guid org, CancellationToken ct)
    {
        if (org == Guid.Empty)
            return Installation;
        var now = time.GetUtcNow();
        if (known.TryGetValue(org, out var found) && now < found.Until)
            return found.Name;
        var name = (await identity.GetOrgAsync(new GetOrgRequest { OrgId = org.ToString() }, cancellationToken: ct)).Name;
        if (known.Count >= KeptNames)
            known.Clear();
        known[org] = (name, now + KeepFor);
        return name;
    }
}
