using System.Text.Json;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>Root fields of several services in one operation: each runs once, in its place, if its conditions admit it.</summary>
public sealed class MergedFieldTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task A_mutation_whose_response_key_is_repeated_runs_once()
    {
        using var tenant = await polaris.SignUpAsync();
        const string meter = "createMeter(input: { key: \"m\", eventType: \"call\", aggregation: COUNT })";
        var data = await tenant.QueryAsync(
            $$"""
            mutation {
              first: {{meter}} { key }
              second: createApiKey(input: { name: "other", scopes: ["read"] }) { key { name } }
              first: {{meter}} { eventType }
              ...More
            }
            fragment More on Mutation { first: {{meter}} { aggregation } }
            """
        );
        Assert.Equal(
            """{"first":{"key":"m","eventType":"call","aggregation":"COUNT"},"second":{"key":{"name":"other"}}}""",
            JsonSerializer.Serialize(data)
        );
    }

    [Fact]
    public async Task Introspection_beside_other_fields_is_answered_with_them()
    {
        using var tenant = await polaris.SignUpAsync();
        Assert.Equal(
            """{"kind":"Query","clock":{"frozen":false},"__schema":{"queryType":{"name":"Query"}},"__type":"""
                + """{"name":"Organization"},"meters":[]}""",
            JsonSerializer.Serialize(
                await tenant.QueryAsync(
                    """
                    query($type: String!) {
                      kind: __typename
                      clock { frozen }
                      __schema { queryType { ...Named } }
                      __type(name: $type) { ...Named }
                      meters { key }
                    }
                    fragment Named on __Type { name }
                    """,
                    new { type = "Organization" }
                )
            )
        );
        Assert.Equal("""{"__typename":"Mutation"}""", JsonSerializer.Serialize(await tenant.QueryAsync("mutation { __typename }")));
    }

    [Theory]
    [InlineData(true, """{"clock":{"frozen":false}}""")]
    [InlineData(
        false,
        """{"__typename":"Query","__schema":{"queryType":{"name":"Query"}},"a":"""
            + """{"name":"Organization"},"b":"Query","clock":{"frozen":false}}"""
    )]
    public async Task Conditions_apply_to_introspection_as_to_any_field(bool skip, string expected)
    {
        using var tenant = await polaris.SignUpAsync();
        var data = await tenant.QueryAsync(
            """
            query($skip: Boolean!) {
              __typename @skip(if: $skip)
              __schema @skip(if: $skip) { queryType { name } }
              ... @skip(if: $skip) { a: __type(name: "Organization") { name } }
              ...B @skip(if: $skip)
              clock { frozen }
            }
            fragment B on Query { b: __typename }
            """,
            new { skip }
        );
        Assert.Equal(expected, JsonSerializer.Serialize(data));
    }
}
