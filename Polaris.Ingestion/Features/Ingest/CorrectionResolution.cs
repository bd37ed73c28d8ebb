using Polaris.Ingestion.Domain;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>
/// Decides which of a request's corrections can be stored, and fills in the fields that each takes from its target. Ordinary events come
/// first, so a correction may target any event of its own request; corrections follow in order. Pure: a concurrent writer is detected
/// later, by the database.
/// </summary>
internal static class CorrectionResolution
{
    /// <param name="events">Events of one request.</param>
    /// <param name="stored">Those of the events' keys that are already stored.</param>
    /// <param name="targets">Those of the corrections' targets that are already stored.</param>
    /// <param name="rules">The allowed age of a replacement.</param>
    /// <returns>The events to store, in the order of storing, and the rejected ones.</returns>
    public static (List<IncomingEvent> Events, List<(int Index, string? Key, Rejection Why)> Rejected) Resolve(
        IReadOnlyList<IncomingEvent> events,
        IReadOnlySet<string> stored,
        IReadOnlyDictionary<string, CorrectedEvent> targets,
        EventRules rules
    )
    {
        var resolved = events.Where(incoming => incoming.Corrects is null).ToList();
        var rejected = new List<(int, string?, Rejection)>();
        var known = new Dictionary<string, CorrectedEvent>(targets);
        foreach (var incoming in resolved)
            known.TryAdd(
                incoming.IdempotencyKey,
                new CorrectedEvent(null, incoming.Type, incoming.Customer, incoming.TimestampUs, IsVoid: false, CorrectedBy: null)
            );
        var taken = resolved.Select(incoming => incoming.IdempotencyKey).Concat(stored).ToHashSet();
        foreach (var incoming in events)
        {
            if (incoming.Corrects is not { } correction)
                continue;
            // The key is already stored: a duplicate or a conflict, depending on the content.
            if (taken.Contains(incoming.IdempotencyKey))
            {
                resolved.Add(incoming);
                continue;
            }

            var target = known.GetValueOrDefault(correction.Key);
            if (Refuse(incoming, correction, target, rules) is { } why)
            {
                rejected.Add((incoming.Index, incoming.IdempotencyKey, why));
                continue;
            }

            var full = incoming with
            {
                Type = incoming.Type.Length > 0 ? incoming.Type : target!.Type,
                Customer = incoming.Customer.Length > 0 ? incoming.Customer : target!.Customer,
                TimestampUs = incoming.OwnTimestamp ? incoming.TimestampUs : target!.TimestampUs,
                Corrects = correction with { Target = target },
            };
            resolved.Add(full);
            taken.Add(full.IdempotencyKey);
            known[correction.Key] = target! with { CorrectedBy = full.IdempotencyKey };
            known[full.IdempotencyKey] = new CorrectedEvent(
                null,
                full.Type,
                full.Customer,
                full.TimestampUs,
                IsVoid: !correction.Replaces,
                CorrectedBy: null
            );
        }

        return (resolved, rejected);
    }

    private static Rejection? Refuse(IncomingEvent incoming, CorrectionOf correction, CorrectedEvent? target, EventRules rules)
    {
        var field = correction.Replaces ? "replaces" : "voids";
        if (target is null)
            return new Rejection("unknown_event", field, $"No event has the key '{EventParser.Shorten(correction.Key)}'.");
        if (target.IsVoid)
            return new Rejection("not_correctable", field, "The event to be corrected is itself a void, which cannot be corrected.");
        if (target.CorrectedBy is { } by)
            return new Rejection(
                "already_corrected",
                field,
                $"The event was already voided or replaced by '{by}'. If that is a replacement, correct it instead."
            );
        if (!correction.Replaces && incoming.Type.Length > 0 && incoming.Type != target.Type)
            return new Rejection("target_differs", "type", $"'type' must be that of the event to be voided, '{target.Type}'.");
        if (!correction.Replaces && incoming.Customer.Length > 0 && incoming.Customer != target.Customer)
            return new Rejection("target_differs", "customer", $"'customer' must be that of the event to be voided, '{target.Customer}'.");
        return correction.Replaces && !incoming.OwnTimestamp
            ? rules.Check("timestamp", DateTimeOffset.UnixEpoch.AddMicroseconds(target.TimestampUs))
            : null;
    }
}
