using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using MimeKit;
using Xunit;

namespace Polaris.Tests.Notifications;

/// <summary>The local run's mailbox: a real SMTP server in a process of its own, read through its page.</summary>
internal sealed partial class Mailbox(PolarisApp polaris)
{
    /// <summary>Waits for a mail to an address.</summary>
    public async Task<MimeMessage> UntilMailAsync(string address, string subject)
    {
        MimeMessage? found = null;
        await polaris.UntilAsync(
            $"a mail to {address}",
            async () =>
                (
                    found = (await MailsAsync(address)).LastOrDefault(mail =>
                        mail.Subject?.Contains(subject, StringComparison.Ordinal) == true
                    )
                )
                    is not null
        );
        return found!;
    }

    public async Task<IReadOnlyList<MimeMessage>> MailsAsync(string address)
    {
        using var http = polaris.App.CreateHttpClient("mailbox", "http");
        var mails = new List<MimeMessage>();
        var list = WebUtility.HtmlDecode(await http.GetStringAsync("/"));
        foreach (var row in Row().Matches(list).Where(row => row.Value.Contains(address, StringComparison.Ordinal)))
        {
            var number = int.Parse(row.Groups[1].Value, CultureInfo.InvariantCulture);
            await using var raw = await http.GetStreamAsync($"/{number}/raw");
            mails.Add(await MimeMessage.LoadAsync(raw));
        }

        mails.Reverse();
        return mails;
    }

    [GeneratedRegex("<tr>(?:(?!</tr>).)*?href=\"/([0-9]+)\".*?</tr>")]
    private static partial Regex Row();
}
