using System.Security.Claims;
using Microsoft.Extensions.DependencyInjection;
using NodaTime;
using Polaris.Billing.Features.Audit;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Audit;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>A mutation's entry stands in the log exactly when its change is committed. LeakTests runs every mutation.</summary>
public sealed class AuditLogTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly ClaimsPrincipal Key = new(new ClaimsIdentity([new Claim(PolarisClaims.ApiKeyId, "key-1")]));

    [Fact]
    public async Task An_entry_is_written_with_the_change_and_only_with_one()
    {
        var org = await alone.Billing.NewOrgAsync();
        await CreateAsync(org, new NewCustomer("a", "A", null), new NewCustomer("b", "B", null));
        var entries = await ReadAsync(org, null);
        // Entries of one mutation have the same time, and any order.
        Assert.Equal(["a", "b"], entries.Select(entry => entry.Subject).Order(StringComparer.Ordinal));
        Assert.All(entries, entry => Assert.Equal(("createCustomers", "api_key", "key-1"), (entry.Action, entry.ActorKind, entry.ActorId)));
        Assert.Contains("\"name\": \"A\"", Assert.Single(await ReadAsync(org, "a")).Detail, StringComparison.Ordinal);

        // The same again changes nothing; another name is refused.
        await CreateAsync(org, new NewCustomer("a", "A", null));
        await Assert.ThrowsAsync<RefusedException>(() =>
            CreateAsync(org, new NewCustomer("c", "C", null), new NewCustomer("a", "other", null))
        );
        Assert.Equal(2, (await ReadAsync(org, null)).Count);
    }

    [Fact]
    public async Task A_transaction_that_fails_leaves_no_entry()
    {
        var org = await alone.Billing.NewOrgAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            InMutationAsync(
                org,
                [],
                services =>
                    services
                        .GetRequiredService<BillingDbContext>()
                        .InTransactionAsync<int>(
                            async ct =>
                            {
                                await services.GetRequiredService<CreateCustomers>().HandleAsync([new NewCustomer("a", null, null)], ct);
                                throw new InvalidOperationException("killed");
                            },
                            default
                        )
            )
        );
        Assert.Empty(await ReadAsync(org, null));
    }

    [Fact]
    public async Task What_is_written_outside_of_a_mutation_is_no_entry_of_it()
    {
        var org = await alone.Billing.NewOrgAsync();
        await alone.Billing.InOrgAsync<CreateCustomers, IReadOnlyList<CustomerRow>>(
            org,
            create => create.HandleAsync([new NewCustomer("a", null, null)], default)
        );
        Assert.Empty(await ReadAsync(org, null));
    }

    [Fact]
    public async Task Nobody_changes_or_deletes_an_entry()
    {
        var org = await alone.Billing.NewOrgAsync();
        await CreateAsync(org, new NewCustomer("a", "A", null));
        foreach (
            var sql in (string[])["UPDATE audit_log SET action = 'nothing' WHERE org_id = $1", "DELETE FROM audit_log WHERE org_id = $1"]
        )
        {
            await using var tx = await alone.Billing.Database.BeginOrgAsync(org, default);
            await using var command = tx.Command(sql);
            command.Parameters.AddWithValue(org);
            Assert.Equal(0, await command.ExecuteNonQueryAsync());
            await tx.CommitAsync(default);
        }

        Assert.Single(await ReadAsync(org, "a"));
    }

    private Task<bool> CreateAsync(Guid org, params NewCustomer[] customers) =>
        InMutationAsync(
            org,
            [KeyValuePair.Create<string, object?>("input", customers)],
            services => services.GetRequiredService<CreateCustomers>().HandleAsync(customers, default)
        );

    private Task<bool> InMutationAsync(Guid org, KeyValuePair<string, object?>[] arguments, Func<IServiceProvider, Task> act) =>
        alone.Billing.InOrgAsync<IServiceProvider, bool>(
            org,
            async services =>
            {
                services.GetRequiredService<MutationAudit>().Begin("createCustomers", Key, arguments);
                await act(services);
                return true;
            }
        );

    private async Task<IReadOnlyList<AuditRow>> ReadAsync(Guid org, string? subject) =>
        (await alone.Billing.InOrgAsync<ReadAuditLog, AuditPage>(org, log => log.PageAsync(100, null, subject, default))).Rows;
}

/// <summary>What an entry says of a mutation's arguments.</summary>
public sealed class AuditedInputTests
{
    [Fact]
    public void A_list_of_inputs_or_ids_has_an_entry_for_each()
    {
        Assert.Equal(
            [("a", """{"key":"a","at":"2026-03-01T00:00:00Z"}"""), ("b", """{"key":"b"}""")],
            Of(("input", new[] { new Sample("a", Instant.FromUtc(2026, 3, 1, 0, 0)), new Sample("b", null) }))
        );
        Assert.Equal([("1", """{"reason":"r"}"""), ("2", """{"reason":"r"}""")], Of(("ids", new[] { "1", "2" }), ("reason", "r")));
    }

    [Fact]
    public void Other_arguments_are_one_entry_about_what_they_name()
    {
        Assert.Equal([("a", """{"key":"a"}""")], Of(("input", new Sample("a", null))));
        Assert.Equal([("p", """{"planKey":"p","charges":[1,2]}""")], Of(("planKey", "p"), ("charges", new[] { 1, 2 })));
        Assert.Equal([(null, "{}")], Of(("now", null)));
    }

    [Fact]
    public void A_long_input_is_left_out()
    {
        var (subject, detail) = Of(("key", "k"), ("name", new string('x', MutationAudit.MaxDetailLength))).Single();
        Assert.Equal(("k", true), (subject, detail.StartsWith("{\"leftOut\":82", StringComparison.Ordinal)));
    }

    private sealed record Sample(string Key, Instant? At);

    private static IEnumerable<(string? Subject, string Detail)> Of(params (string Name, object? Value)[] arguments) =>
        MutationAudit
            .InputsOf(arguments.Select(argument => KeyValuePair.Create(argument.Name, argument.Value)))
            .Select(input => (input.Subject, input.Detail));
}
