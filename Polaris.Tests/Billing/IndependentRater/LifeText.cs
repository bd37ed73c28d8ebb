using System.Text;
using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>A life as text, for the message of a failed test.</summary>
internal static class LifeText
{
    public static string Of(Life life)
    {
        var text = new StringBuilder();
        text.Append(
            $"{life.Zone}, day {life.AnchorDay}, from {life.Start}, {life.Periods} periods, end {life.End}, early {life.Early}, "
                + $"{life.MinorUnits} minor units\n"
        );
        for (var i = 0; i < life.Versions.Count; i++)
        {
            text.Append($"version {i}: {Sameness.Of(life.Versions[i].Terms ?? PlanTerms.None)}\n");
            foreach (var charge in life.Versions[i].Charges)
                text.Append($"  {charge.Key}: {Sameness.Of(charge)}\n");
        }

        foreach (var change in life.Changes)
            text.Append($"{change}\n");
        foreach (var of in life.Events.OrderBy(of => of.At))
            text.Append($"{of}\n");
        foreach (var coupon in life.Coupons)
            text.Append($"{coupon}\n");
        foreach (var single in life.OneOffs)
            text.Append($"{single}\n");
        return text.ToString();
    }
}
