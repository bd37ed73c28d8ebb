using Polaris.Ingestion.Domain;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>
/// Decides which of a request's corrections can be stored, and fills in what each leaves to its target. Ordinary events come first, so a
/// correction may name any of its own request, and corrections follow in their order. Pure: the database then says whether somebody was quicker.
/// </summary>
internal static class CorrectionResolution
{
    /// <param name="events">Of one request.</param>
    /// <param name="stored">Those of the events' keys that the store holds.</param>
    /// <param name="targets">Those of the corrections' targets that the store holds.</param>
    /// <param name="rules">How old a replacement may be.</param>
    /// <returns>What may be stored, in the order of storing, and what is refused.</returns>
    public static (List<IncomingEvent> Events, List<(int Index, string? Key, Rejection Why)> Rejected) Resolve(
        IReadOnlyList<IncomingEvent> events, IReadOnlySet<string> stored, IReadOnlyDictionary<string, CorrectedEvent> targets, EventRules rules)
    {
        var resolved = events.Where(one => one.Corrects is null).ToList();
        var rejected = new List<(int, string?, Rejection)>();
        var known = new Dictionary<string, CorrectedEvent>(targets);
        foreach (var one in resolved) known.TryAdd(one.IdempotencyKey, new CorrectedEvent(null, one.Type, one.Customer, one.TimestampUs, IsVoid: false, CorrectedBy: null));
        var taken = resolved.Select(one => one.IdempotencyKey).Concat(stored).ToHashSet();
        foreach (var one in events)
        {
            if (one.Corrects is not { } correction) continue;
            // Sent before, or its key is another event's: a duplicate or a conflict, by its content.
            if (taken.Contains(one.IdempotencyKey))
            {
                resolved.Add(one);
                continue;
            }

            var target = known.GetValueOrDefault(correction.Key);
            if (Refuse(one, correction, target, rules) is { } why)
            {
                rejected.Add((one.Index, one.IdempotencyKey, why));
                continue;
            }

            var full = one with
            {
                Type = one.Type.Length > 0 ? one.Type : target!.Type,
                Customer = one.Customer.Length > 0 ? one.Customer : target!.Customer,
                TimestampUs = one.OwnTimestamp ? one.TimestampUs : target!.TimestampUs,
                Corrects = correction with { Target = target },
            };
            resolved.Add(full);
            taken.Add(full.IdempotencyKey);
            known[correction.Key] = target! with { CorrectedBy = full.IdempotencyKey };
            known[full.IdempotencyKey] = new CorrectedEvent(null, full.Type, full.Customer, full.TimestampUs, IsVoid: !correction.Replaces, CorrectedBy: null);
        }

        return (resolved, rejected);
    }

    private static Rejection? Refuse(IncomingEvent one, CorrectionOf correction, CorrectedEvent? target, EventRules rules)
    {
        var field = correction.Replaces ? "replaces" : "voids";
        if (target is null) return new Rejection("unknown_event", field, $"There is no event with the key '{EventParser.Shorten(correction.Key)}'.");
        if (target.IsVoid) return new Rejection("not_correctable", field, "That event is a void itself and counts for nothing.");
        if (target.CorrectedBy is { } by) return new Rejection("already_corrected", field, $"That event was voided or replaced by '{by}'. Correct that one, if it is a replacement.");
        if (!correction.Replaces && one.Type.Length > 0 && one.Type != target.Type)
            return new Rejection("target_differs", "type", $"The event to be voided has the type '{target.Type}'.");
        if (!correction.Replaces && one.Customer.Length > 0 && one.Customer != target.Customer)
            return new Rejection("target_differs", "customer", $"The event to be voided belongs to the customer '{target.Customer}'.");
        return correction.Replaces && !one.OwnTimestamp ? rules.Check("timestamp", DateTimeOffset.UnixEpoch.AddMicroseconds(target.TimestampUs)) : null;
    }
}
