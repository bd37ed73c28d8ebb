using System.Text.Json.Nodes;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Hosting;
using IdentityClient = Polaris.Identity.V1.Identity.IdentityClient;

namespace Polaris.Notifications.Features.Events;

/// <summary>
/// Takes over the mails that Identity has for one person each: proofs of addresses, invitations, password resets. Identity keeps a mail
/// until it is stored here, and one that is taken twice is one.
/// </summary>
internal sealed class TakeMail(IdentityClient identity, StoreEvent store, TimeProvider time) : PeriodicJob
{
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(1);

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var page = await identity.GetUnsentMailAsync(new GetUnsentMailRequest(), cancellationToken: ct);
        if (page.Mails.Count == 0)
            return PollEvery;
        var taken = new ForgetMailRequest();
        foreach (var mail in page.Mails)
        {
            var (org, id) = (mail.OrgId.Length == 0 ? Guid.Empty : Guid.Parse(mail.OrgId), Guid.Parse(mail.Id));
            var now = time.GetCurrentInstant();
            var data = new JsonObject { ["token"] = mail.Token, ["role"] = mail.Role };
            var body = EventBody.Write(org, id, mail.Kind, now, data);
            await store.HandleAsync(new HappenedEvent(org, id, mail.Kind, now, body, mail.Recipient), ct);
            taken.Mails.Add(new MailId { OrgId = mail.OrgId, Id = mail.Id });
        }

        await identity.ForgetMailAsync(taken, cancellationToken: ct);
        return Immediately;
    }
}
