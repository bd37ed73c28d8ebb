using System.Text.Json;

namespace Polaris.Gateway.Execution;

/// <summary>A value of the answer: bytes of a subgraph's answer, an object, a list, or null (also when nothing came).</summary>
internal struct ResultValue
{
    public byte[]? Buffer;
    public int Start;
    public int Length;

    /// <summary>A <see cref="ResultObject"/> or an array of values.</summary>
    public object? Tree;

    /// <summary>Something was here, but cannot be without what it lacks.</summary>
    public bool IsErased;

    public readonly bool IsNull => IsErased || (Buffer is null && Tree is null);

    public readonly ReadOnlySpan<byte> Bytes => Buffer.AsSpan(Start, Length);
}

/// <summary>An object of the answer, to which several subgraphs add.</summary>
internal sealed class ResultObject(ObjectShape shape)
{
    public readonly ObjectShape Shape = shape;
    public readonly ResultValue[] Values = new ResultValue[shape.Slots];

    /// <summary>A subgraph that was to complete it has no such entity: null in its place is an answer, not an error.</summary>
    public bool IsUnknown;
}

/// <summary>An error of a field.</summary>
/// <param name="At">The object; null when the error is not about a place.</param>
/// <param name="Path">From the object on.</param>
/// <param name="Extensions">JSON, if there is any.</param>
internal sealed record FieldError(ResultObject? At, IReadOnlyList<object> Path, string Message, byte[]? Extensions);

/// <summary>What is known of an answer, while fetches add to it in parallel: each writes to slots of its own.</summary>
internal sealed class ResultTree(QueryPlan plan, int maxErrors) : IDisposable
{
    private readonly Lock gate = new();
    private readonly List<ByteBuffer> buffers = [];
    private readonly List<FieldError> errors = [];

    public QueryPlan Plan { get; } = plan;

    public ResultObject Root { get; } = new(plan.Root);

    /// <summary>The objects of each place that other subgraphs complete. A place's objects come from one fetch.</summary>
    public List<ResultObject>[] Targets { get; } = [.. Enumerable.Range(0, plan.Targets).Select(_ => new List<ResultObject>())];

    public IReadOnlyList<FieldError> Errors => errors;

    /// <summary>Whether there are so many errors that further ones are left out.</summary>
    public bool IsFull => errors.Count >= maxErrors;

    /// <summary>Keeps the bytes until the answer is written.</summary>
    public void Keep(ByteBuffer buffer)
    {
        lock (gate)
            buffers.Add(buffer);
    }

    public void Add(FieldError error)
    {
        lock (gate)
        {
            if (!IsFull)
                errors.Add(error);
        }
    }

    /// <summary>
    /// Makes null what may not be there without one of its fields. False when that is all of the data. A null that no subgraph has an error
    /// for gets one.
    /// </summary>
    public bool Complete() => Complete(Root);

    private bool Complete(ResultObject value)
    {
        foreach (var field in value.Shape.Visible)
        {
            if (field.Constant is null && !Complete(ref value.Values[field.Slot], field.Value))
            {
                if (errors.Count == 0 && !value.IsUnknown)
                    Add(new FieldError(value, [field.Key], $"{value.Shape.Type}.{field.Key} is null, which the schema rules out.", null));
                return false;
            }
        }

        return true;
    }

    private bool Complete(ref ResultValue value, ValueShape shape)
    {
        var fits = value.Tree switch
        {
            ResultObject inner => Complete(inner),
            ResultValue[] items => CompleteItems(items, shape.Item!),
            _ => true,
        };
        if (!fits)
            value.IsErased = true;
        return !value.IsNull || !shape.NonNull;
    }

    private bool CompleteItems(ResultValue[] items, ValueShape shape)
    {
        for (var i = 0; i < items.Length; i++)
        {
            if (!Complete(ref items[i], shape))
                return false;
        }

        return true;
    }

    public void Dispose()
    {
        foreach (var buffer in buffers)
            buffer.Dispose();
        buffers.Clear();
    }
}

/// <summary>A subgraph's answer is no JSON of the form that was asked for.</summary>
internal sealed class AnswerException(string message) : JsonException(message);
