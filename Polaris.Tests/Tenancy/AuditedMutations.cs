using Polaris.ServiceDefaults.Access;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>Every mutation of Billing and Plans that its owner ran has left an entry in the service's log.</summary>
internal static class AuditedMutations
{
    /// <summary>Mutations without an entry, each with the reason.</summary>
    private static readonly Dictionary<string, string> WithoutEntry = new()
    {
        ["recomputeInvoice"] = "changes nothing",
        ["archiveCustomer"] = "refused: a subscription runs",
        ["createCreditNote"] = "refused: the invoice is void by then",
        ["voidCreditGrant"] = "refused: there is no such grant",
        ["retryHeldInvoices"] = "tries at once what is tried anyway; here nothing is held",
        ["reconcileUsage"] = "counts what was sent; what it repairs stands in the reconciliation's findings",
        ["replayDeliveryDeadLetters"] = "tries again what is tried anyway; here there are none",
        ["replayDeadLetters"] = "counts what was sent; the dead letters show when they were resolved",
    };

    private static readonly Dictionary<string, string> Logs = new()
    {
        ["billing"] = "billingAuditLog",
        ["plans"] = "plansAuditLog",
        ["notifications"] = "notificationsAuditLog",
    };

    /// <summary>Fails for a mutation without an entry, and for an exception that is none.</summary>
    public static async Task CheckAsync(Tenant owner, IEnumerable<Surface> surfaces)
    {
        var mutations = surfaces.Where(surface => surface.Name.StartsWith("Mutation.", StringComparison.Ordinal)).ToArray();
        foreach (var (service, log) in Logs)
        {
            var entries = (await owner.QueryAsync($"{{ {log}(first: 200) {{ nodes {{ action }} }} }}"))
                .GetProperty(log)
                .GetProperty("nodes")
                .EnumerateArray()
                .Select(entry => entry.GetProperty("action").GetString()!)
                .ToHashSet();
            var names = mutations.Where(one => one.Service == service).Select(one => one.Name["Mutation.".Length..]).ToArray();
            Assert.Equal([], names.Except(entries).Except(WithoutEntry.Keys));
            Assert.Equal([], WithoutEntry.Keys.Intersect(names).Intersect(entries));
        }

        Assert.Equal([], WithoutEntry.Keys.Except(mutations.Select(one => one.Name["Mutation.".Length..])));
    }
}
