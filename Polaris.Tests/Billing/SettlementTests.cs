using NodaTime;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>The arithmetic of paying an invoice from credits and balance, and of a credit note's share.</summary>
public sealed class SettlementTests
{
    private static readonly Instant Now = Instant.FromUtc(2026, 7, 10, 0, 0);

    [Theory]
    [InlineData(0, 0, 0, 0, 10)]
    [InlineData(4, 0, 4, 0, 6)]
    [InlineData(0, 4, 0, 4, 6)]
    [InlineData(8, 8, 2, 8, 0)]
    [InlineData(20, 12, 0, 10, 0)]
    public void An_invoice_of_ten_is_paid_from_credits_then_from_the_balance(int balance, int credits, int applied, int drawn, int due)
    {
        var funds = new CustomerFunds(balance, [new OpenGrant(Guid.CreateVersion7(), credits, 0, null, Now)]);
        var paid = funds.Pay(10, Now, Now);
        Assert.Equal((applied, drawn, due), (paid.BalanceApplied, paid.CreditsApplied, 10 - paid.BalanceApplied - paid.CreditsApplied));
        Assert.Equal(balance - applied, funds.Balance);
    }

    [Fact]
    public void A_negative_total_adds_to_the_balance_and_leaves_credits_alone()
    {
        var funds = new CustomerFunds(1, [new OpenGrant(Guid.CreateVersion7(), 5, 0, null, Now)]);
        var paid = funds.Pay(-3, Now, Now);
        Assert.Equal((-3m, 0m, 4m), (paid.BalanceApplied, paid.CreditsApplied, funds.Balance));
    }

    [Theory]
    [InlineData(1, 12, true)] // Valid when the invoice is finalized.
    [InlineData(-1, -1, true)] // Expired, but the period had ended by then.
    [InlineData(-1, -2, true)]
    [InlineData(-2, -1, false)]
    [InlineData(0, 0, true)]
    [InlineData(0, 1, false)]
    public void A_grant_pays_while_it_is_valid_and_later_what_had_ended_before(int expires, int periodEnds, bool pays)
    {
        var grant = new OpenGrant(Guid.CreateVersion7(), 5, 0, Now + Duration.FromHours(expires), Now);
        Assert.Equal(pays, grant.Pays(Now + Duration.FromHours(periodEnds), Now));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(0)]
    [InlineData(3)]
    public void Notes_of_all_of_an_invoice_amount_to_its_total_and_its_tax(int places)
    {
        var random = new Random(places);
        for (var i = 0; i < 1_000; i++)
        {
            var unit = new decimal(1, 0, 0, false, (byte)places);
            var (lines, tax) = (random.Next(1, 100_000) * unit, random.Next(0, 20_000) * unit);
            var (total, left) = (lines + tax, lines);
            var (amount, taxes) = (0m, 0m);
            while (left > 0)
            {
                var taken = Math.Min(left, random.Next(1, 60_000) * unit);
                var next = CreditedShare.Amount(total, lines, lines - left, amount, taken, places);
                var share = CreditedShare.Tax(total, tax, amount, taxes, next, places);
                Assert.InRange(share, 0, next);
                Assert.Equal(decimal.Round(next, places), next);
                (left, amount, taxes) = (left - taken, amount + next, taxes + share);
            }

            Assert.Equal((total, tax), (amount, taxes));
        }
    }
}
