using System.Text.Json;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Polaris.Billing.Events.V1;
using Polaris.Ingestion.Features.Late;
using Polaris.Notifications.Features.Events;
using Polaris.ServiceDefaults.Messaging;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>docs/events.md has every kind of event with all of its fields, and consumers go on at each of them.</summary>
public sealed partial class EventsDocTests
{
    private static readonly Dictionary<string, string> Sections = File.ReadAllText(
            Path.Combine(Path.GetDirectoryName(Here())!, "../../docs/events.md")
        )
        .Split("\n## `")[1..]
        .ToDictionary(section => section[..section.IndexOf('`', StringComparison.Ordinal)]);

    private static readonly IList<FieldDescriptor> Kinds = BillingEvent.Descriptor.Oneofs.Single().Fields;

    [Fact]
    public void Every_kind_of_event_stands_in_the_document_and_no_other() =>
        Assert.Equal(
            Kinds.Select(kind => EventNames.All[(BillingEvent.EventOneofCase)kind.FieldNumber]).Order(StringComparer.Ordinal),
            Sections.Keys.Order(StringComparer.Ordinal)
        );

    [Fact]
    public void A_kinds_table_and_sample_have_exactly_its_fields()
    {
        foreach (var kind in Kinds)
        {
            var name = EventNames.All[(BillingEvent.EventOneofCase)kind.FieldNumber];
            var section = Sections[name];
            var fields = kind.MessageType.Fields.InDeclarationOrder().Select(field => field.JsonName).ToArray();
            Assert.Equal((name, string.Join(' ', fields)), (name, string.Join(' ', Rows().Matches(section).SelectMany(Names))));
            var sample = Sample().Match(section).Groups[1].Value;
            // The parser refuses fields that there are not.
            var parsed = BillingEvent.Parser.ParseJson(sample);
            Assert.Equal(kind.FieldNumber, (int)parsed.EventCase);
            Assert.Equal(
                ["eventId", "orgId", "occurredAt", kind.JsonName],
                JsonDocument.Parse(sample).RootElement.EnumerateObject().Select(property => property.Name)
            );
            Assert.Equal(
                fields,
                JsonDocument.Parse(sample).RootElement.GetProperty(kind.JsonName).EnumerateObject().Select(property => property.Name)
            );
        }
    }

    [Fact]
    public async Task Consumers_ignore_the_kinds_that_they_do_not_handle()
    {
        foreach (var kind in Kinds.Where(kind => kind.Name != "invoice_generated"))
        {
            var payload = BillingEvent
                .Parser.ParseJson(Sample().Match(Sections[EventNames.All[(BillingEvent.EventOneofCase)kind.FieldNumber]]).Groups[1].Value)
                .ToByteArray();
            // Whatever they would store, they have no database here.
            await new ConsumeInvoices(null!, null!).HandleAsync(payload, default);
        }

        // A kind of a later version: field 99.
        byte[] later = [.. new BillingEvent { OrgId = Guid.CreateVersion7().ToString() }.ToByteArray(), 0x9a, 0x06, 0x00];
        await new ConsumeInvoices(null!, null!).HandleAsync(later, default);
        await new ConsumeBillingEvents(null!, null!).HandleAsync(later, default);
    }

    /// <summary>A webhook's data are the sample's, whatever the kind.</summary>
    [Fact]
    public void A_webhooks_body_has_the_fields_of_the_document()
    {
        foreach (var kind in Kinds)
        {
            var name = EventNames.All[(BillingEvent.EventOneofCase)kind.FieldNumber];
            var sample = Sample().Match(Sections[name]).Groups[1].Value;
            var happened = EventBody.Of(BillingEvent.Parser.ParseJson(sample))!;
            var (body, documented) = (JsonDocument.Parse(happened.Body).RootElement, JsonDocument.Parse(sample).RootElement);
            Assert.Equal(["type", "version", "id", "timestamp", "org", "data"], body.EnumerateObject().Select(property => property.Name));
            Assert.Equal((name, 1), (body.GetProperty("type").GetString(), body.GetProperty("version").GetInt32()));
            Assert.Equal(documented.GetProperty("eventId").GetString(), body.GetProperty("id").GetString());
            Assert.Equal(documented.GetProperty("orgId").GetString(), body.GetProperty("org").GetString());
            Assert.Equal(documented.GetProperty("occurredAt").GetDateTimeOffset(), body.GetProperty("timestamp").GetDateTimeOffset());
            Assert.True(JsonElement.DeepEquals(documented.GetProperty(kind.JsonName), body.GetProperty("data")), $"{name}: {body}");
        }
    }

    private static IEnumerable<string> Names(Match row) => Name().Matches(row.Groups[1].Value).Select(name => name.Groups[1].Value);

    private static string Here([System.Runtime.CompilerServices.CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"^\| (`[^|]*) \|", RegexOptions.Multiline)]
    private static partial Regex Rows();

    [GeneratedRegex("`([a-zA-Z]+)`")]
    private static partial Regex Name();

    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Sample();
}
