using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>Prepaid credits that are left of a grant; <see cref="Remaining"/> falls as they are drawn down.</summary>
public sealed class OpenGrant(Guid id, decimal remaining, int priority, Instant? expiresAt, Instant createdAt)
{
    public Guid Id { get; } = id;

    public decimal Remaining { get; internal set; } = remaining;

    public int Priority { get; } = priority;

    /// <summary>Null: never.</summary>
    public Instant? ExpiresAt { get; } = expiresAt;

    public Instant CreatedAt { get; } = createdAt;

    /// <summary>A grant pays what is invoiced while it is valid, and later the invoices of periods that ended while it was.</summary>
    public bool Pays(Instant periodEnd, Instant now) => Remaining > 0 && (ExpiresAt is not { } end || end > now || end >= periodEnd);
}

/// <summary>What a customer has in one currency when its next invoice is finalized.</summary>
/// <param name="balance">Its credit from negative totals and credit notes, at least 0.</param>
/// <param name="grants">Its prepaid credits in any order.</param>
public sealed class CustomerFunds(decimal balance, IEnumerable<OpenGrant> grants)
{
    private readonly OpenGrant[] grants =
    [
        .. grants
            .OrderBy(grant => grant.Priority)
            .ThenBy(grant => grant.ExpiresAt ?? Instant.MaxValue)
            .ThenBy(grant => grant.CreatedAt)
            .ThenBy(grant => grant.Id),
    ];

    public decimal Balance { get; private set; } = balance;

    /// <summary>
    /// Pays an invoice: first from prepaid credits (by priority, then the earliest expiry, then age), then from the balance. A negative
    /// total goes to the balance, where the next invoice finds it.
    /// </summary>
    public Settlement Pay(decimal total, Instant periodEnd, Instant now)
    {
        if (total < 0)
        {
            Balance -= total;
            return new Settlement(total, []);
        }

        var (left, drawn) = (total, new List<Draw>());
        foreach (var grant in grants.Where(grant => grant.Pays(periodEnd, now)))
        {
            if (left == 0)
                break;
            var amount = Math.Min(left, grant.Remaining);
            grant.Remaining -= amount;
            left -= amount;
            drawn.Add(new Draw(grant.Id, amount, grant.Remaining));
        }

        var applied = Math.Min(left, Balance);
        Balance -= applied;
        return new Settlement(applied, drawn);
    }
}

/// <summary>A draw-down of a grant, and what is left of it.</summary>
public readonly record struct Draw(Guid Grant, decimal Amount, decimal Remaining);

/// <summary>How an invoice was paid at its finalization.</summary>
/// <param name="BalanceApplied">From the balance; negative: what went to it.</param>
/// <param name="Drawn">From prepaid credits.</param>
public sealed record Settlement(decimal BalanceApplied, IReadOnlyList<Draw> Drawn)
{
    public decimal CreditsApplied { get; } = Drawn.Sum(draw => draw.Amount);
}
