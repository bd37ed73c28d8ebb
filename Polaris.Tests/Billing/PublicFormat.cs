extern alias plans;

using System.Text.Json;
using System.Text.Json.Serialization;
using Google.Protobuf;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Meters;
using Polaris.Billing.Features.Subscriptions;
using plans::Polaris.Plans.Domain;
using plans::Polaris.Plans.GraphQL;
using plans::Polaris.Plans.Persistence;
using Xunit;
using CreateMeter = plans::Polaris.Plans.Features.Meters.CreateMeter;
using Sent = plans::Polaris.Plans.Features.PlanMessages;

namespace Polaris.Tests.Billing;

/// <summary>
/// From what a client writes to what the engine rates by, all the way that it takes in production except for the database and the network:
/// GraphQL input, validation, stored document, hash, message, Billing's domain.
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

    /// <param name="charges">A <c>[ChargeInput!]</c> in JSON; every meter it names exists, with as many dimensions as its name has <c>_by_</c>.</param>
    /// <param name="terms">A <c>PlanTermsInput</c> in JSON.</param>
    /// <param name="currency">The plan's.</param>
    public static Polaris.Billing.Domain.PlanVersion Plan(string charges, string terms = "{}", string currency = "USD")
    {
        var plan = JsonSerializer.Deserialize<CreatePlanInput>(
            $$"""{"key":"p","name":"P","currency":"{{currency}}","interval":"MONTH","charges":{{charges}},"terms":{{terms}}}""", Input)!.ToNewPlan();
        var meters = plan.Charges.Where(charge => charge.Meter is not null).Select(charge => charge.Meter!).Distinct()
            .ToDictionary(meter => meter, meter => meter.Split("_by_").Length - 1);
        Assert.Null(PlanValidation.Charges("charges", plan.Charges, meters) ?? PlanValidation.Terms("terms", plan.Terms) ?? PlanValidation.Currency("currency", plan.Currency));
        var row = new PlanVersionRow
        {
            Status = "PUBLISHED",
            Charges = PlanContent.Serialize(plan.Charges),
            Terms = PlanContent.Serialize(plan.Terms),
            Hash = PlanContent.Hash(plan.Currency, plan.Interval, plan.Charges, plan.Terms),
        };
        var sent = Sent.ToMessage(new PlanRow { Key = plan.Key, Currency = plan.Currency, Interval = plan.Interval }, row);
        return PlanMessages.ToDomain(Polaris.Plans.V1.PlanVersion.Parser.ParseFrom(sent.ToByteArray()));
    }

    /// <summary>A plan of one charge for the meter <c>m</c>.</summary>
    public static Polaris.Billing.Domain.PlanVersion PlanOf(string price, string around = "", string terms = "{}", string currency = "USD") =>
        Plan($$"""[{"key":"c","meter":"m","price":{{price}}{{around}}}]""", terms, currency);

    /// <param name="meter">A <c>CreateMeterInput</c> in JSON.</param>
    public static MeterDefinition Meter(string meter)
    {
        var row = CreateMeter.ToRow(Guid.Empty, JsonSerializer.Deserialize<CreateMeterInput>(meter, Input)!.ToNewMeter(), Now);
        return MeterCatalog.ToDefinition(Polaris.Plans.V1.Meter.Parser.ParseFrom(Sent.ToMessage(row).ToByteArray()));
    }

    /// <summary>Rates the meter <c>m</c> (or <c>m_by_x</c>) at a quantity, over the whole of November unless told otherwise.</summary>
    public static RatedInvoice Rate(Polaris.Billing.Domain.PlanVersion plan, decimal quantity, long events = 1, BilledTime? time = null) =>
        Rate(plan, new PeriodUsage(new Dictionary<string, MeterUsage> { ["m"] = new(quantity, events, 0) }), time);

    public static RatedInvoice Rate(Polaris.Billing.Domain.PlanVersion plan, PeriodUsage usage, BilledTime? time = null)
    {
        time ??= BilledTime.Alone(November);
        var invoice = RatingEngine.Rate(
            new InvoiceSubject(Guid.Empty, "acme", time.This.Billed), plan, usage, time, plans::Polaris.Plans.Domain.Currencies.MinorUnits(plan.Currency));
        Explanations.Hold(invoice);
        return invoice;
    }

    public static BillingPeriod Period(string start, string end) => new(At(start), At(end));

    public static Instant At(string text) => NodaTime.Text.OffsetDateTimePattern.ExtendedIso.Parse(text).Value.ToInstant();
}

/// <summary>What holds of every rated invoice.</summary>
internal static class Explanations
{
    /// <summary>Each leaf is its own arithmetic, each node the sum of its children, each line of its steps, the invoice of its lines.</summary>
    public static void Hold(RatedInvoice invoice)
    {
        foreach (var line in invoice.Lines) Hold(line);
        Assert.Equal(invoice.Total, invoice.Lines.Sum(line => line.Amount));
    }

    public static void Hold(RatedLine line)
    {
        foreach (var step in line.Steps) Hold(step);
        Assert.Equal(line.UnroundedAmount, line.Steps.Sum(step => step.Amount));
        Assert.True(Math.Abs(line.Amount - line.UnroundedAmount) <= 0.5m);
    }

    private static void Hold(ExplanationStep step)
    {
        if (step.Children is null)
        {
            Assert.Equal(step.Amount, Naive.Round(new Fraction(step.Quantity) * new Fraction(step.UnitPrice) / new Fraction(step.Divisor), Exact.Places));
            return;
        }

        foreach (var child in step.Children) Hold(child);
        Assert.Equal(step.Amount, step.Children.Sum(child => child.Amount));
        Assert.Equal((0m, 1m), (step.UnitPrice, step.Divisor));
    }
}
