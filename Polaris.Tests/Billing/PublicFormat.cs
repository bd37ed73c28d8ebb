using System.Text.Json;
using System.Text.Json.Serialization;
using Google.Protobuf;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Plans.Domain;
using Polaris.Plans.GraphQL;
using Polaris.Plans.Persistence;
using Xunit;
using CreateMeter = Polaris.Plans.Features.Meters.CreateMeter;
using Sent = Polaris.Plans.Features.Grpc.PlanMessages;

namespace Polaris.Tests.Billing;

/// <summary>
/// From a client's input to the engine's types, the same way as in production but without database and network: GraphQL input, validation,
/// stored document, hash, message, Billing's domain.
/// </summary>
internal static class PublicFormat
{
    public static readonly BillingPeriod November = Period("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");

    private static readonly DateTimeOffset Now = new(2026, 11, 24, 0, 0, 0, TimeSpan.Zero);

    private static readonly JsonSerializerOptions Input = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.AllowReadingFromString,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseUpper, allowIntegerValues: false) },
    };

    /// <param name="charges">
    /// A <c>[ChargeInput!]</c> in JSON. Every meter in it exists, with as many dimensions as its name has <c>_by_</c>.
    /// </param>
    /// <param name="terms">A <c>PlanTermsInput</c> in JSON.</param>
    /// <param name="currency">The plan's.</param>
    public static Polaris.Billing.Domain.PlanVersion Plan(string charges, string terms = "{}", string currency = "USD")
    {
        var plan = JsonSerializer
            .Deserialize<CreatePlanInput>(
                $$"""{"key":"p","name":"P","currency":"{{currency}}","interval":"MONTH","charges":{{charges}},"terms":{{terms}}}""",
                Input
            )!
            .ToNewPlan();
        var meters = plan
            .Charges.Where(charge => charge.Meter is not null)
            .Select(charge => charge.Meter!)
            .Distinct()
            .ToDictionary(meter => meter, meter => meter.Split("_by_").Length - 1);
        Assert.Null(
            PlanValidation.Charges("charges", plan.Charges, meters)
                ?? PlanValidation.Terms("terms", plan.Terms)
                ?? PlanValidation.Currency("currency", plan.Currency)
        );
        var row = new PlanVersionRow
        {
            Status = "PUBLISHED",
            Charges = PlanContent.Serialize(plan.Charges),
            Terms = PlanContent.Serialize(plan.Terms),
            Hash = PlanContent.Hash(plan.Currency, plan.Interval, plan.Charges, plan.Terms),
        };
        var sent = Sent.ToMessage(
            new PlanRow
            {
                Key = plan.Key,
                Currency = plan.Currency,
                Interval = plan.Interval,
            },
            row
        );
        return PlanMessages.ToDomain(Polaris.Plans.V1.PlanVersion.Parser.ParseFrom(sent.ToByteArray()));
    }

    /// <summary>A plan with one charge for the meter <c>m</c>.</summary>
    public static Polaris.Billing.Domain.PlanVersion PlanOf(
        string price,
        string around = "",
        string terms = "{}",
        string currency = "USD"
    ) => Plan($$"""[{"key":"c","meter":"m","price":{{price}}{{around}}}]""", terms, currency);

    /// <param name="meter">A <c>CreateMeterInput</c> in JSON.</param>
    public static MeterDefinition Meter(string meter)
    {
        var row = CreateMeter.ToRow(Guid.Empty, JsonSerializer.Deserialize<CreateMeterInput>(meter, Input)!.ToNewMeter(), Now);
        return MeterCatalog.ToDefinition(Polaris.Plans.V1.Meter.Parser.ParseFrom(Sent.ToMessage(row).ToByteArray()));
    }

    /// <summary>Rates the meter <c>m</c> (or <c>m_by_x</c>) at a quantity, by default over the whole of November.</summary>
    public static RatedInvoice Rate(
        Polaris.Billing.Domain.PlanVersion plan,
        decimal quantity,
        long events = 1,
        InvoicePeriod? period = null
    ) => Rate(plan, new PeriodUsage(new Dictionary<string, MeterUsage> { ["m"] = new(quantity, events, 0) }), period);

    public static RatedInvoice Rate(Polaris.Billing.Domain.PlanVersion plan, PeriodUsage usage, InvoicePeriod? period = null)
    {
        period ??= InvoicePeriod.Alone(November, plan);
        var invoice = RatingEngine.Rate(
            new InvoiceSubject(Guid.Empty, "acme", period.This.Billed),
            period,
            _ => usage,
            Currencies.MinorUnits(plan.Currency)
        );
        Explanations.Hold(invoice);
        return invoice;
    }

    public static BillingPeriod Period(string start, string end) => new(At(start), At(end));

    public static Instant At(string text) => NodaTime.Text.OffsetDateTimePattern.ExtendedIso.Parse(text).Value.ToInstant();
}

/// <summary>Invariants of every rated invoice.</summary>
internal static class Explanations
{
    /// <summary>
    /// Checks each leaf's arithmetic, and that each node is the sum of its children, each line of its steps, the invoice of its lines.
    /// </summary>
    public static void Hold(RatedInvoice invoice)
    {
        foreach (var line in invoice.Lines)
            Hold(line);
        Assert.Equal(invoice.Total, invoice.Lines.Sum(line => line.Amount));
    }

    public static void Hold(RatedLine line)
    {
        foreach (var step in line.Steps)
            Hold(step);
        Assert.Equal(line.UnroundedAmount, line.Steps.Sum(step => step.Amount));
        Assert.Equal(line.Amount, RatingEngine.RoundToMinorUnits(line.UnroundedAmount, line.Amount.Scale));
        Assert.True(Math.Abs(line.Amount - line.UnroundedAmount) <= 0.5m);
    }

    private static void Hold(ExplanationStep step)
    {
        if (step.Children is null)
        {
            Assert.Equal(
                step.Amount,
                Naive.Round(new Fraction(step.Quantity) * new Fraction(step.UnitPrice) / new Fraction(step.Divisor), Exact.Places)
            );
            return;
        }

        foreach (var child in step.Children)
            Hold(child);
        Assert.Equal(step.Amount, step.Children.Sum(child => child.Amount));
        Assert.Equal((0m, 1m), (step.UnitPrice, step.Divisor));
    }
}
