using System.Text.Json;

namespace Polaris.Gateway.Execution;

/// <summary>
/// Reads a subgraph's answer into the tree, in one pass over its bytes: what one subgraph answers as a whole is not taken apart.
/// </summary>
internal ref struct AnswerReader
{
    /// <summary>Objects and lists inside one another in an answer; a document's own limit is far below.</summary>
    private const int MaxDepth = 256;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth };

    private readonly byte[] buffer;
    private readonly ResultTree tree;
    private Utf8JsonReader json;

    public AnswerReader(ByteBuffer answer, ResultTree tree)
    {
        buffer = answer.Array;
        this.tree = tree;
        json = new Utf8JsonReader(answer.Span, Options);
    }

    /// <summary>Where the answer's errors are; empty if there are none.</summary>
    public Range Errors { get; private set; }

    public bool HasData { get; private set; }

    /// <exception cref="JsonException">It is no JSON, or not the answer to this request.</exception>
    public void Read(Fetch fetch, EntityTargets[] targets)
    {
        Next();
        Expect(JsonTokenType.StartObject);
        while (Next() == JsonTokenType.PropertyName)
        {
            var (isData, isErrors) = (json.ValueTextEquals("data"u8), json.ValueTextEquals("errors"u8));
            var token = Next();
            if (isData && token == JsonTokenType.StartObject)
            {
                HasData = true;
                if (fetch.Lookups.Count == 0)
                    ReadFields(tree.Root, fetch.RootFields);
                else
                    ReadLookups(targets);
            }
            else
            {
                var start = (int)json.TokenStartIndex;
                json.Skip();
                if (isErrors && token == JsonTokenType.StartArray)
                    Errors = start..(int)json.BytesConsumed;
            }
        }
    }

    private void ReadLookups(EntityTargets[] targets)
    {
        while (Next() == JsonTokenType.PropertyName)
        {
            EntityTargets? own = null;
            foreach (var candidate in targets)
            {
                if (json.ValueTextEquals(candidate.ResponseKey))
                    own = candidate;
            }

            if (Next() != JsonTokenType.StartArray || own is null)
            {
                json.Skip();
                continue;
            }

            for (var i = 0; Next() != JsonTokenType.EndArray; i++)
            {
                if (i < own.Count && json.TokenType == JsonTokenType.StartObject)
                    ReadEntity(own, i);
                else if (i < own.Count && json.TokenType == JsonTokenType.Null)
                    MarkUnknown(own, i);
                else
                    json.Skip();
            }
        }
    }

    private static void MarkUnknown(EntityTargets own, int index)
    {
        for (var p = 0; p < own.Lookup.Parts.Count; p++)
        {
            foreach (var target in own.Of(p, index))
                target.IsUnknown = true;
        }
    }

    /// <summary>An entity's fields, into all objects that it completes. Those of one place share them.</summary>
    private void ReadEntity(EntityTargets own, int index)
    {
        var before = json;
        var isRead = false;
        for (var p = 0; p < own.Lookup.Parts.Count; p++)
        {
            var part = own.Lookup.Parts[p];
            ResultObject? first = null;
            foreach (var target in own.Of(p, index))
            {
                if (first is null)
                {
                    json = before;
                    ReadFields(target, part.Fields);
                    (first, isRead) = (target, true);
                    continue;
                }

                foreach (var field in part.Fields)
                    target.Values[field.Slot] = first.Values[field.Slot];
            }
        }

        if (!isRead)
            json.Skip();
    }

    private void ReadFields(ResultObject target, FieldNode[] fields)
    {
        var expected = 0;
        while (Next() == JsonTokenType.PropertyName)
        {
            // They come in the order in which they were asked for, as a rule.
            FieldNode? field = null;
            for (var i = 0; i < fields.Length; i++)
            {
                var candidate = fields[(expected + i) % fields.Length];
                if (!json.ValueTextEquals(candidate.Name))
                    continue;
                field = candidate;
                expected += i + 1;
                break;
            }

            Next();
            if (field is null)
                json.Skip();
            else
                ReadValue(ref target.Values[field.Slot], field.Value);
        }
    }

    private void ReadValue(ref ResultValue value, ValueShape shape)
    {
        if (json.TokenType == JsonTokenType.Null)
        {
            value = default;
            return;
        }

        if (shape.IsRaw)
        {
            var start = (int)json.TokenStartIndex;
            json.Skip();
            value = new ResultValue
            {
                Buffer = buffer,
                Start = start,
                Length = (int)json.BytesConsumed - start,
            };
            return;
        }

        if (shape.Item is { } item)
        {
            Expect(JsonTokenType.StartArray);
            var items = new List<ResultValue>();
            while (Next() != JsonTokenType.EndArray)
            {
                var one = default(ResultValue);
                ReadValue(ref one, item);
                items.Add(one);
            }

            value = new ResultValue { Tree = items.ToArray() };
            return;
        }

        Expect(JsonTokenType.StartObject);
        var target = new ResultObject(ShapeOf(shape.Object!));
        ReadFields(target, target.Shape.Origin);
        if (target.Shape.Target >= 0)
            tree.Targets[target.Shape.Target].Add(target);
        value = new ResultValue { Tree = target };
    }

    private readonly ObjectShape ShapeOf(PositionShape position)
    {
        if (position.Only is { } only)
            return only;
        var ahead = json;
        while (ahead.Read() && ahead.TokenType == JsonTokenType.PropertyName)
        {
            var isType = ahead.ValueTextEquals(position.TypeKey);
            ahead.Read();
            if (isType && ahead.TokenType == JsonTokenType.String)
            {
                foreach (var (type, shape) in position.ByType)
                {
                    if (ahead.ValueTextEquals(type))
                        return shape;
                }

                break;
            }

            ahead.Skip();
        }

        throw new AnswerException("An object is of a type that its schema does not have there.");
    }

    private JsonTokenType Next() => json.Read() ? json.TokenType : throw new AnswerException("The answer ends early.");

    private readonly void Expect(JsonTokenType type)
    {
        if (json.TokenType != type)
            throw new AnswerException($"{type} was expected, not {json.TokenType}.");
    }
}
