using System.Text.Json;

namespace Polaris.Gateway.Execution;

/// <summary>Writes the answer: fields in the client's order, errors with their paths.</summary>
internal static class ResponseWriter
{
    public static void Write(ByteBuffer output, ResultTree tree)
    {
        var hasData = tree.Complete();
        output.Write("{"u8);
        if (tree.Errors.Count > 0)
        {
            WriteErrors(output, tree);
            output.Write(","u8);
        }

        output.Write("\"data\":"u8);
        if (hasData)
            WriteObject(output, tree.Root);
        else
            output.Write("null"u8);
        output.Write("}"u8);
    }

    private static void WriteObject(ByteBuffer output, ResultObject value)
    {
        var separator = "{"u8;
        foreach (var field in value.Shape.Visible)
        {
            output.Write(separator);
            output.Write(field.Written);
            if (field.Constant is { } constant)
                output.Write(constant);
            else
                WriteValue(output, in value.Values[field.Slot]);
            separator = ","u8;
        }

        output.Write(value.Shape.Visible.Count == 0 ? "{}"u8 : "}"u8);
    }

    private static void WriteValue(ByteBuffer output, in ResultValue value)
    {
        if (value.IsNull)
        {
            output.Write("null"u8);
        }
        else if (value.Buffer is not null)
        {
            output.Write(value.Bytes);
        }
        else if (value.Tree is ResultObject inner)
        {
            WriteObject(output, inner);
        }
        else if (value.Tree is ResultValue[] items)
        {
            output.Write("["u8);
            for (var i = 0; i < items.Length; i++)
            {
                if (i > 0)
                    output.Write(","u8);
                WriteValue(output, in items[i]);
            }

            output.Write("]"u8);
        }
    }

    private static void WriteErrors(ByteBuffer output, ResultTree tree)
    {
        var places = new ErrorPlaces(tree);
        using var buffer = new ByteBuffer(1024);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            foreach (var error in tree.Errors)
            {
                writer.WriteStartObject();
                writer.WriteString("message"u8, error.Message);
                if (error.At is not null)
                {
                    writer.WriteStartArray("path"u8);
                    foreach (var step in places.Of(error.At).Concat(error.Path))
                    {
                        if (step is int index)
                            writer.WriteNumberValue(index);
                        else
                            writer.WriteStringValue((string)step);
                    }

                    writer.WriteEndArray();
                }

                if (error.Extensions is not null)
                {
                    writer.WritePropertyName("extensions"u8);
                    writer.WriteRawValue(error.Extensions);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        output.Write("\"errors\":"u8);
        output.Write(buffer.Span);
    }

    /// <summary>
    /// Where the objects with errors are in the answer, or would be if they were not null: found by a walk, since few answers have errors.
    /// </summary>
    private sealed class ErrorPlaces
    {
        private readonly Dictionary<ResultObject, object[]> found = [];

        public ErrorPlaces(ResultTree tree)
        {
            var wanted = tree.Errors.Select(error => error.At).OfType<ResultObject>().ToHashSet();
            Visit(tree.Root, []);

            void Visit(ResultObject value, List<object> path)
            {
                if (wanted.Contains(value))
                    found.TryAdd(value, [.. path]);
                foreach (var field in value.Shape.Visible)
                {
                    path.Add(field.Key);
                    VisitValue(in value.Values[field.Slot], path);
                    path.RemoveAt(path.Count - 1);
                }
            }

            void VisitValue(in ResultValue value, List<object> path)
            {
                if (value.Tree is ResultObject inner)
                    Visit(inner, path);
                if (value.Tree is not ResultValue[] items)
                    return;
                for (var i = 0; i < items.Length; i++)
                {
                    path.Add(i);
                    VisitValue(in items[i], path);
                    path.RemoveAt(path.Count - 1);
                }
            }
        }

        public object[] Of(ResultObject value) => found.GetValueOrDefault(value, []);
    }
}
