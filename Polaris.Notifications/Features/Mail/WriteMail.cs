using System.Text.Json.Nodes;
using Grpc.Core;
using Microsoft.Extensions.Options;
using MimeKit;
using Polaris.Billing.V1;
using Polaris.Notifications.Features.Secrets;
using Polaris.Notifications.Features.Sending;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Auth;
using BillingClient = Polaris.Billing.V1.Billing.BillingClient;

namespace Polaris.Notifications.Features.Mail;

/// <summary>Writes the mail of an event: HTML and text, in the org's name, an invoice with its PDF.</summary>
internal sealed class WriteMail(
    OrgNames orgs,
    BillingClient billing,
    SecretBox secrets,
    Unsubscribe unsubscribe,
    IOptions<SmtpOptions> options,
    IConfiguration configuration
)
{
    /// <returns>Null when there is nobody to send it to.</returns>
    public async Task<MimeMessage?> HandleAsync(Sendable delivery, CancellationToken ct)
    {
        var json = delivery.Secret ? secrets.Unprotect(delivery.Body) : delivery.Body;
        var data = JsonNode.Parse(json)!["data"]!.AsObject();
        var org = await orgs.GetAsync(delivery.Org, ct);
        var content = MailContent.Of(delivery.Kind, data, org);
        var document = content.Invoice is { } invoice ? await DocumentAsync(delivery.Org, invoice, ct) : null;
        var toCustomer = delivery.Recipient == Channels.Customer;
        var recipient = toCustomer ? document?.CustomerEmail ?? "" : delivery.Recipient;
        if (!MailboxAddress.TryParse(recipient, out var to))
            return null;
        var publicUrl = PolarisAuthentication.Issuer(configuration).TrimEnd('/');
        var link =
            toCustomer || delivery.Secret
                ? null
                : $"{publicUrl}{Unsubscribe.Path}?token={Uri.EscapeDataString(unsubscribe.TokenOf(delivery.Org, delivery.Recipient))}";
        var page = content.Page is { } at ? $"{publicUrl}{at.Path}#{Uri.EscapeDataString(at.Token)}" : null;
        var (html, text) = await MailTemplates.RenderAsync(content, org, link, page);
        var from = MailboxAddress.Parse(options.Value.From);
        var message = new MimeMessage
        {
            Subject = content.Subject,
            // The same each time that it is sent: a receiver may know that it has it.
            MessageId = $"{delivery.Id:N}@{from.Domain}",
        };
        message.From.Add(new MailboxAddress(org, from.Address));
        message.To.Add(to);
        if (link is not null)
        {
            message.Headers.Add(HeaderId.ListUnsubscribe, $"<{link}>");
            message.Headers.Add(HeaderId.ListUnsubscribePost, "List-Unsubscribe=One-Click");
        }

        message.Headers.Add("Auto-Submitted", "auto-generated");
        var body = new BodyBuilder { HtmlBody = html, TextBody = text };
        if (document is { Pdf.Length: > 0 })
            body.Attachments.Add($"{document.FileName}.pdf", document.Pdf.ToByteArray(), new ContentType("application", "pdf"));
        message.Body = body.ToMessageBody();
        return message;
    }

    /// <summary>Null of an invoice that is not there any more.</summary>
    private async Task<GetInvoiceDocumentResponse?> DocumentAsync(Guid org, Guid invoice, CancellationToken ct)
    {
        try
        {
            return await billing.GetInvoiceDocumentAsync(
                new GetInvoiceDocumentRequest { OrgId = org.ToString(), InvoiceId = invoice.ToString() },
                cancellationToken: ct
            );
        }
        catch (RpcException missing) when (missing.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }
}
