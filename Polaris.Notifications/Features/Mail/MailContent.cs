using System.Globalization;
using System.Text.Json.Nodes;

namespace Polaris.Notifications.Features.Mail;

/// <summary>A line of a mail's table.</summary>
public sealed record MailFact(string Name, string Value);

/// <summary>A page of the dashboard that takes a token. It is in the fragment, which a browser sends to no server.</summary>
public sealed record MailPage(string Path, string Token, string Label);

/// <summary>What a mail says; the templates give it its form.</summary>
/// <param name="Subject">One line.</param>
/// <param name="Text">Paragraphs.</param>
/// <param name="Facts">What it is about.</param>
/// <param name="Page">The dashboard's page for a token, or null.</param>
/// <param name="Invoice">The invoice to attach, or null.</param>
public sealed record MailContent(
    string Subject,
    IReadOnlyList<string> Text,
    IReadOnlyList<MailFact> Facts,
    MailPage? Page = null,
    Guid? Invoice = null
)
{
    private const int MaxSubjectLength = 150;

    /// <param name="kind">The event's kind.</param>
    /// <param name="data">Its fields, see docs/events.md.</param>
    /// <param name="org">The org's name.</param>
    public static MailContent Of(string kind, JsonObject data, string org)
    {
        string At(string field) => data[field]?.ToString() ?? "";
        var content = kind switch
        {
            "invoice.finalized" => new MailContent(
                $"Invoice {At("number")} from {org}",
                [$"{org} has issued invoice {At("number")}. It is attached as a PDF."],
                [Fact("Invoice", "number"), Money("Total", "total"), Period()],
                Invoice: Guid.TryParse(At("invoiceId"), out var id) ? id : null
            ),
            "invoice.unpaid" or "invoice.overdue" => new MailContent(
                $"Payment overdue: invoice {At("number")} from {org}",
                [$"Invoice {At("number")} of {org} is not paid yet."],
                [Fact("Invoice", "number"), Money("Total", "total"), .. Rest("invoiceId", "number", "total", "currency")],
                Invoice: Guid.TryParse(At("invoiceId"), out var unpaid) ? unpaid : null
            ),
            "usage.threshold_crossed" when At("on") == "balance" => new MailContent(
                $"{At("name")}: {At("customer")} has {At("reached")} {At("currency")} left",
                [$"The prepaid credits of customer {At("customer")} have fallen to a threshold of {org}."],
                [Fact("Threshold", "name"), Fact("Customer", "customer"), Fact("Value", "value"), Fact("Left", "reached"), Period()]
            ),
            "usage.threshold_crossed" => new MailContent(
                $"{At("name")}: {At("customer")} has reached {At("value")}",
                [$"Customer {At("customer")} has reached a threshold of {org}."],
                [Fact("Threshold", "name"), Fact("Customer", "customer"), Fact("Value", "value"), Fact("Reached", "reached"), Period()]
            ),
            StatedKinds.EndpointDisabled => new MailContent(
                $"A webhook endpoint of {org} was disabled",
                [
                    At("reason") == "gone"
                        ? "The endpoint has answered 410 Gone: it wants no more events."
                        : "The endpoint has failed for days without one success.",
                    "Nothing is sent to it until it is enabled again. What waits is kept.",
                ],
                [Fact("Endpoint", "url"), Fact("Last error", "lastError")]
            ),
            "account.email_proof" => new MailContent(
                "Confirm your e-mail address",
                [$"{org} was created on Polaris with this address. Confirm it within 30 days, then you can sign in."],
                [],
                new MailPage("/prove-email", At("token"), "Confirm the address")
            ),
            "account.invitation" => new MailContent(
                $"You are invited to {org}",
                [$"You are invited to become a member of {org} on Polaris, with the role {At("role")}."],
                [],
                new MailPage("/accept-invitation", At("token"), "Accept the invitation")
            ),
            "account.password_reset" => new MailContent(
                "Set a new password",
                ["A new password was asked for. Set it, once, within an hour."],
                [],
                new MailPage("/reset-password", At("token"), "Set a new password")
            ),
            _ => new MailContent($"{org}: {kind}", [$"This happened in {org}: {kind}."], Rest()),
        };
        return content with { Subject = OneLine(content.Subject) };

        MailFact Fact(string name, string field) => new(name, At(field));
        MailFact Money(string name, string field) => new(name, $"{At(field)} {At("currency")}");
        MailFact Period() => new("Period", $"{Day("periodStart")} to {Day("periodEnd")}");
        string Day(string field) =>
            DateTimeOffset.TryParse(At(field), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
                ? at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
                : "";
        MailFact[] Rest(params string[] but) =>
            [
                .. data.Where(field => !but.Contains(field.Key) && field.Value is JsonValue && At(field.Key).Length > 0)
                    .Select(field => new MailFact(field.Key, At(field.Key))),
            ];
    }

    private static string OneLine(string text)
    {
        var line = string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character));
        return line.Length <= MaxSubjectLength ? line : line[..MaxSubjectLength];
    }
}
