using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>Makes a life that fails smaller, for as long as it still fails.</summary>
internal static class LifeShrinker
{
    public static Life Shrink(Life life, Func<Life, bool> fails)
    {
        while (Smaller(life).FirstOrDefault(fails) is { } smaller)
            life = smaller;
        return life;
    }

    private static IEnumerable<Life> Smaller(Life life)
    {
        foreach (var changes in Without(life.Changes))
            yield return life with
            {
                Changes = changes,
            };
        foreach (var events in Without(life.Events))
            yield return life with
            {
                Events = events,
            };
        foreach (var coupons in Without(life.Coupons))
            yield return life with
            {
                Coupons = coupons,
            };
        foreach (var singles in Without(life.OneOffs))
            yield return life with
            {
                OneOffs = singles,
            };
        foreach (var key in life.Versions.SelectMany(version => version.Charges).Select(charge => charge.Key).Distinct())
            yield return Each(life, version => version with { Charges = [.. version.Charges.Where(charge => charge.Key != key)] });
        for (var i = 0; i < life.Versions.Count; i++)
        {
            foreach (var version in Smaller(life.Versions[i]))
                yield return Replace(life, i, version);
        }

        if (life.Early is not null)
            yield return life with
            {
                Early = null,
            };
        if (life.Early is null && life.End is not null)
            yield return life with
            {
                End = null,
            };
        if (life.Periods > 1 && life is { Early: null, End: null })
            yield return life with
            {
                Periods = life.Periods - 1,
            };
        foreach (var of in life.Events.Where(of => of.KnownFrom > 0 || of.VoidedFrom is not null))
            yield return life with
            {
                Events = [.. life.Events.Select(other => other == of ? of with { KnownFrom = 0, VoidedFrom = null } : other)],
            };
        if (life.MinorUnits != 2)
            yield return life with
            {
                MinorUnits = 2,
            };
    }

    private static IEnumerable<PlanVersion> Smaller(PlanVersion version)
    {
        foreach (var charges in Without(version.Charges))
            yield return version with
            {
                Charges = charges,
            };
        for (var i = 0; i < version.Charges.Count; i++)
        {
            var charge = version.Charges[i];
            foreach (var smaller in Smaller(charge))
                yield return version with
                {
                    Charges = [.. version.Charges.Select(of => of == charge ? smaller : of)],
                };
        }

        if (version.Terms is not { } terms)
            yield break;
        yield return version with
        {
            Terms = null,
        };
        foreach (var discounts in Without(terms.Discounts))
            yield return version with
            {
                Terms = terms with { Discounts = discounts },
            };
        foreach (var taxes in Without(terms.Taxes))
            yield return version with
            {
                Terms = terms with { Taxes = taxes },
            };
        if (terms.Commitment is not null)
            yield return version with
            {
                Terms = terms with { Commitment = null },
            };
        if (terms.Minimum is not null)
            yield return version with
            {
                Terms = terms with { Minimum = null },
            };
        if (terms.Maximum is not null)
            yield return version with
            {
                Terms = terms with { Maximum = null },
            };
        if (terms.TaxesIncluded)
            yield return version with
            {
                Terms = terms with { TaxesIncluded = false },
            };
    }

    private static IEnumerable<Charge> Smaller(Charge charge)
    {
        foreach (var discounts in Without(charge.Discounts ?? []))
            yield return charge with
            {
                Discounts = discounts,
            };
        foreach (var prices in Without(charge.DimensionPrices ?? []))
            yield return charge with
            {
                DimensionPrices = prices,
            };
        if (charge.IncludedUnits != 0)
            yield return charge with
            {
                IncludedUnits = 0,
            };
        if (charge.Minimum is not null)
            yield return charge with
            {
                Minimum = null,
            };
        if (charge.Maximum is not null)
            yield return charge with
            {
                Maximum = null,
            };
        if (charge.Meter is not null && charge.Price is not PerUnitPrice && charge.DimensionPrices is not { Count: > 0 })
            yield return charge with
            {
                Price = new PerUnitPrice(1),
            };
    }

    private static Life Each(Life life, Func<PlanVersion, PlanVersion> change) =>
        life with
        {
            Versions = [.. life.Versions.Select(change)],
        };

    private static Life Replace(Life life, int index, PlanVersion version) =>
        life with
        {
            Versions = [.. life.Versions.Select((of, i) => i == index ? version : of)],
        };

    private static IEnumerable<T[]> Without<T>(IReadOnlyList<T> items) =>
        Enumerable.Range(0, items.Count).Select(removed => items.Where((_, i) => i != removed).ToArray());
}
