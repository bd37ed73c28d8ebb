using System.IO.Pipelines;
using System.Text.Json;
using GraphQLParser.AST;

namespace Polaris.Gateway.Execution;

/// <summary>
/// Merges the subgraphs' responses: fields in the client's order, errors with their paths, nulls where the schema allows them.
/// </summary>
internal static class ResponseWriter
{
    public static async Task WriteAsync(PipeWriter output, QueryPlan plan, IReadOnlyList<SubgraphAnswer> answers, CancellationToken ct)
    {
        await using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartObject();
            WriteErrors(writer, answers);
            if (IsNull(answers))
                writer.WriteNull("data"u8);
            else
                WriteData(writer, plan, answers);
            writer.WriteEndObject();
        }

        await output.FlushAsync(ct);
    }

    /// <summary>The fields of a subgraph without data are null; if one of them is non-null, all of the data is null.</summary>
    private static bool IsNull(IReadOnlyList<SubgraphAnswer> answers) =>
        answers.Any(answer => answer.Data is null && answer.Fetch.Fields.Any(field => field.NonNull));

    private static void WriteData(Utf8JsonWriter writer, QueryPlan plan, IReadOnlyList<SubgraphAnswer> answers)
    {
        writer.WriteStartObject("data"u8);
        foreach (var field in plan.Fields)
        {
            var answer = answers.First(candidate => candidate.Fetch.Fields.Any(own => own.ResponseKey == field.ResponseKey));
            if (answer.Data is not { } data)
            {
                writer.WriteNull(field.ResponseKey);
            }
            else if (data.TryGetProperty(field.ResponseKey, out var value))
            {
                // Absent when @skip or @include left the field out.
                writer.WritePropertyName(field.ResponseKey);
                value.WriteTo(writer);
            }
        }

        writer.WriteEndObject();
    }

    private static void WriteErrors(Utf8JsonWriter writer, IReadOnlyList<SubgraphAnswer> answers)
    {
        if (!answers.Any(answer => answer.Failure is not null || answer.Errors.Any()))
            return;
        writer.WriteStartArray("errors"u8);
        foreach (var answer in answers)
        {
            if (answer.Failure is { } failure)
            {
                foreach (var field in answer.Fetch.Fields)
                    WriteUnavailable(writer, answer.Fetch.Subgraph!, failure, field);
            }

            foreach (var error in answer.Errors)
                WriteError(writer, error);
        }

        writer.WriteEndArray();
    }

    private static void WriteUnavailable(Utf8JsonWriter writer, string subgraph, string failure, RootField field)
    {
        writer.WriteStartObject();
        writer.WriteString("message"u8, $"The service '{subgraph}' {failure}.");
        writer.WriteStartArray("path"u8);
        writer.WriteStringValue(field.ResponseKey);
        writer.WriteEndArray();
        writer.WriteStartObject("extensions"u8);
        writer.WriteString("code"u8, "SUBGRAPH_UNAVAILABLE");
        writer.WriteString("subgraph"u8, subgraph);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>Everything but the location, which refers to a document that the client did not send.</summary>
    private static void WriteError(Utf8JsonWriter writer, JsonElement error)
    {
        writer.WriteStartObject();
        foreach (var property in error.EnumerateObject().Where(property => property.Name != "locations"))
            property.WriteTo(writer);
        writer.WriteEndObject();
    }
}
