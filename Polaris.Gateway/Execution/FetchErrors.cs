using System.Text;
using System.Text.Json;

namespace Polaris.Gateway.Execution;

/// <summary>What goes wrong in a subgraph, as errors of the client's fields.</summary>
internal static class FetchErrors
{
    /// <summary>There is no answer: each field that it would have had gets an error.</summary>
    public static void Fail(Fetch fetch, EntityTargets[] targets, ResultTree tree, string subgraph, string why)
    {
        var message = $"The service '{subgraph}' {why}.";
        var extensions = Encoding.UTF8.GetBytes($$"""{"code":"SUBGRAPH_UNAVAILABLE","subgraph":"{{subgraph}}"}""");
        foreach (var field in fetch.RootFields)
            tree.Add(new FieldError(tree.Root, [field.Key], message, extensions));
        foreach (var own in targets)
        {
            for (var p = 0; p < own.Lookup.Parts.Count; p++)
            {
                var part = own.Lookup.Parts[p];
                foreach (var target in own.Of(p))
                {
                    if (tree.IsFull)
                        return;
                    foreach (var field in part.Fields.Where(part.Shape.Visible.Contains))
                        tree.Add(new FieldError(target, [field.Key], message, extensions));
                }
            }
        }
    }

    /// <summary>
    /// The errors of an answer, without locations, which refer to a document that the client did not send, and with the client's paths: an
    /// entity's error is one at each place where it is.
    /// </summary>
    public static void Add(Fetch fetch, EntityTargets[] targets, ResultTree tree, ReadOnlyMemory<byte> errors)
    {
        using var all = JsonDocument.Parse(errors);
        foreach (var error in all.RootElement.EnumerateArray())
        {
            if (tree.IsFull)
                return;
            if (error.ValueKind != JsonValueKind.Object)
                continue;
            var message = error.TryGetProperty("message", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "";
            var extensions = error.TryGetProperty("extensions", out var more) ? Encoding.UTF8.GetBytes(more.GetRawText()) : null;
            object[] path =
                error.TryGetProperty("path", out var steps) && steps.ValueKind == JsonValueKind.Array
                    ? [.. steps.EnumerateArray().Select(Step)]
                    : [];
            if (path.Length == 0)
                tree.Add(new FieldError(null, [], message, extensions));
            else if (fetch.Lookups.Count == 0)
                tree.Add(new FieldError(tree.Root, path, message, extensions));
            else
                AddToEntities(targets, tree, path, message, extensions);
        }
    }

    private static void AddToEntities(EntityTargets[] targets, ResultTree tree, object[] path, string message, byte[]? extensions)
    {
        var own = Array.Find(targets, candidate => candidate.Lookup.ResponseKey.Equals(path[0]));
        if (own is null || path.Length < 2 || path[1] is not int entity)
        {
            tree.Add(new FieldError(null, [], message, extensions));
            return;
        }

        for (var p = 0; p < own.Lookup.Parts.Count; p++)
        {
            var part = own.Lookup.Parts[p];
            foreach (var target in own.Of(p, entity))
            {
                // The other places' names for what one place was asked for are the same.
                if (path.Length > 2)
                    tree.Add(new FieldError(target, path[2..], message, extensions));
                else
                {
                    foreach (var field in part.Fields.Where(part.Shape.Visible.Contains))
                        tree.Add(new FieldError(target, [field.Key], message, extensions));
                }
            }
        }
    }

    private static object Step(JsonElement step) =>
        step.ValueKind == JsonValueKind.Number && step.TryGetInt32(out var index) ? index : step.ToString();
}
