using System.Text.Json;
using GraphQL;
using GraphQLParser.AST;
using Polaris.ServiceDefaults.GraphQL;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>Counts of events have 64 bits, of which JavaScript holds 53.</summary>
public sealed class LongCountTests(PolarisApp polaris) : PlatformTests
{
    private const long Many = 5_000_000_000;

    [Fact]
    public async Task A_count_above_32_bits_goes_in_and_comes_out_as_a_number()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("volume", "SUM", "amount");
        var plan = await tenant.QueryAsync(
            """
            mutation($free: Long!) { createPlan(input: { key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true, charges: [
              { key: "c", meter: "volume", price: { model: PERCENTAGE, percent: "1", feePerEvent: "0.01", freeEvents: $free } }] })
              { current { charges { price { freeEvents } } } } }
            """,
            new { free = Many }
        );
        Assert.Equal(
            Many,
            plan.GetProperty("createPlan")
                .GetProperty("current")
                .GetProperty("charges")[0]
                .GetProperty("price")
                .GetProperty("freeEvents")
                .GetInt64()
        );
        await tenant.QueryAsync("mutation { createCustomers(input: [{ key: \"acme\" }]) { key } }");
        await tenant.QueryAsync(
            "mutation { createSubscriptions(input: "
                + "[{ customer: \"acme\", plan: \"p\", start: \"2026-01-01T00:00:00Z\", confirmBackdate: true }]) { id } }"
        );
        var preview = await tenant.QueryAsync(
            $"{{ preview(customer: \"acme\", quantities: [{{ meter: \"volume\", quantity: \"1\", eventCount: {Many + 1} }}]) "
                + "{ lines { eventCount } } }"
        );
        Assert.Equal(Many + 1, preview.GetProperty("preview")[0].GetProperty("lines")[0].GetProperty("eventCount").GetInt64());
        Assert.Equal(
            "out_of_range",
            (
                await tenant.RefusalAsync(
                    "{ preview(customer: \"acme\", quantities: [{ meter: \"volume\", quantity: \"1\", eventCount: -1 }]) { total } }"
                )
            ).Rule
        );
    }

    /// <summary>By name: eventCount, freeEvents, and those that count what events are in.</summary>
    [Fact]
    public async Task No_field_that_counts_events_has_32_bits()
    {
        using var tenant = await polaris.SignUpAsync();
        var types = (
            await tenant.QueryAsync(
                "{ __schema { types { fields { ...Field } inputFields { ...Input } } } } "
                    + "fragment Field on __Field { name type { name ofType { name } } } "
                    + "fragment Input on __InputValue { name type { name ofType { name } } }"
            )
        )
            .GetProperty("__schema")
            .GetProperty("types")
            .EnumerateArray();
        var narrow = types
            .SelectMany(type => new[] { type.GetProperty("fields"), type.GetProperty("inputFields") })
            .Where(fields => fields.ValueKind == JsonValueKind.Array)
            .SelectMany(fields => fields.EnumerateArray())
            .Where(field => field.GetProperty("name").GetString()!.Contains("event", StringComparison.OrdinalIgnoreCase))
            .Where(field => field.GetProperty("type").ToString().Contains("\"Int\"", StringComparison.Ordinal))
            .Select(field => field.GetProperty("name").GetString());
        Assert.Empty(narrow);
    }

    [Theory]
    [InlineData("9007199254740991", true)]
    [InlineData("-9007199254740991", true)]
    [InlineData("9007199254740992", false)]
    [InlineData("-9007199254740992", false)]
    [InlineData("99999999999999999999", false)]
    public void A_number_that_a_double_does_not_hold_exactly_is_refused(string text, bool accepted)
    {
        var scalar = new LongScalar();
        var literal = new GraphQLIntValue(text);
        object value = long.TryParse(text, out var number) ? (object)number : System.Numerics.BigInteger.Parse(text);
        if (accepted)
        {
            Assert.Equal(number, scalar.ParseLiteral(literal));
            Assert.Equal(number, scalar.ParseValue(value));
            Assert.Equal(number, scalar.Serialize(value));
            return;
        }

        Assert.ThrowsAny<Exception>(() => scalar.ParseLiteral(literal));
        Assert.ThrowsAny<Exception>(() => scalar.ParseValue(value));
        Assert.ThrowsAny<Exception>(() => scalar.Serialize(value));
    }
}
