using System.Text;

namespace Polaris.Gateway.Execution;

/// <summary>
/// The objects that a lookup completes, and the representations by which it asks for them: each entity once, however often it is in the
/// answer.
/// </summary>
internal sealed class EntityTargets
{
    /// <summary>Entities of one lookup; a subgraph's own limit on the values of a request is above.</summary>
    public const int MaxEntities = 10_000;

    private readonly List<ResultObject>[] objects;

    /// <summary>For each part and entity the first of its objects, for each object the next of its entity; -1 at the end.</summary>
    private readonly List<int>[] first;

    private readonly int[][] next;

    private EntityTargets(EntityLookup lookup, ResultTree tree)
    {
        Lookup = lookup;
        ResponseKey = Encoding.UTF8.GetBytes(lookup.ResponseKey);
        objects = [.. lookup.Parts.Select(part => tree.Targets[part.Shape.Target])];
        first = [.. lookup.Parts.Select(_ => new List<int>())];
        next = [.. objects.Select(own => new int[own.Count])];
    }

    public EntityLookup Lookup { get; }

    public byte[] ResponseKey { get; }

    /// <summary>Entities.</summary>
    public int Count { get; private set; }

    /// <summary>Writes the representations as a JSON list. Objects whose key is null have none.</summary>
    public static EntityTargets Write(EntityLookup lookup, ResultTree tree, ByteBuffer output)
    {
        var targets = new EntityTargets(lookup, tree);
        output.Write("["u8);
        var total = targets.objects.Sum(own => own.Count);
        var seen = new Seen(total);
        for (var p = 0; p < lookup.Parts.Count; p++)
        {
            for (var i = 0; i < targets.objects[p].Count; i++)
            {
                var start = output.Length;
                if (targets.Count > 0)
                    output.Write(","u8);
                var from = output.Length;
                if (!WriteOne(lookup.Parts[p], targets.objects[p][i], output))
                {
                    output.Truncate(start);
                    targets.next[p][i] = -1;
                    continue;
                }

                var index = seen.Add(output, from, output.Length - from, targets.Count);
                if (index < targets.Count)
                    output.Truncate(start);
                else
                    targets.Count++;
                targets.Link(p, i, index);
            }
        }

        output.Write("]"u8);
        return targets;
    }

    /// <summary>The objects of a part that are this entity.</summary>
    public IEnumerable<ResultObject> Of(int part, int entity)
    {
        if (entity >= first[part].Count)
            yield break;
        for (var i = first[part][entity]; i >= 0; i = next[part][i])
            yield return objects[part][i];
    }

    /// <summary>All objects of a part.</summary>
    public IReadOnlyList<ResultObject> Of(int part) => objects[part];

    private void Link(int part, int target, int entity)
    {
        while (first[part].Count <= entity)
            first[part].Add(-1);
        next[part][target] = first[part][entity];
        first[part][entity] = target;
    }

    private static bool WriteOne(EntityPart part, ResultObject target, ByteBuffer output)
    {
        output.Write(part.Head);
        foreach (var (name, slot) in part.Keys)
        {
            ref var value = ref target.Values[slot];
            if (value.Buffer is null)
                return false;
            output.Write(name);
            output.Write(value.Bytes);
        }

        output.Write("}"u8);
        return true;
    }

    /// <summary>Representations by their bytes.</summary>
    private sealed class Seen(int capacity)
    {
        private readonly int[] buckets = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)capacity * 2 + 1)];
        private readonly List<(int Start, int Length)> all = [];

        /// <returns>The number of the same one, or the new one's.</returns>
        public int Add(ByteBuffer output, int start, int length, int number)
        {
            var bytes = output.Span.Slice(start, length);
            var hash = new HashCode();
            hash.AddBytes(bytes);
            for (var bucket = hash.ToHashCode() & (buckets.Length - 1); ; bucket = (bucket + 1) & (buckets.Length - 1))
            {
                if (buckets[bucket] == 0)
                {
                    buckets[bucket] = number + 1;
                    all.Add((start, length));
                    return number;
                }

                var (known, size) = all[buckets[bucket] - 1];
                if (output.Span.Slice(known, size).SequenceEqual(bytes))
                    return buckets[bucket] - 1;
            }
        }
    }
}
