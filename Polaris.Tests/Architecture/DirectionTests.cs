using System.Text.RegularExpressions;
using ArchUnitNET.Domain;
using ArchUnitNET.Fluent;
using ArchUnitNET.Fluent.Slices;
using ArchUnitNET.Fluent.Syntax.Elements.Types;
using ArchUnitNET.Loader;
using Polaris.Billing.Domain;
using Polaris.Gateway.Composition;
using Polaris.Identity.Persistence;
using Polaris.Ingestion.Persistence;
using Polaris.Notifications.Persistence;
using Polaris.Plans.Persistence;
using Xunit;
using static ArchUnitNET.Fluent.ArchRuleDefinition;
using Assembly = System.Reflection.Assembly;

namespace Polaris.Tests.Architecture;

/// <summary>Dependencies are one-way: GraphQL, Features, Persistence, Domain; and feature folders have no dependency cycles.</summary>
public sealed class DirectionTests
{
    /// <summary>A small service that breaks every rule: see Samples.cs.</summary>
    private const string Sample = "Polaris.Tests.Architecture.Sample";

    private const string Contracts = "Polaris.ServiceDefaults.Contracts";

    private static readonly Assembly Shared = typeof(MeterAggregation).Assembly;

    private static readonly Assembly[] Services =
    [
        typeof(RatingEngine).Assembly,
        typeof(Composer).Assembly,
        typeof(AccountsDbContext).Assembly,
        typeof(IngestionDbContext).Assembly,
        typeof(NotificationsDbContext).Assembly,
        typeof(PlansDbContext).Assembly,
    ];

    private static readonly ArchUnitNET.Domain.Architecture Code = new ArchLoader()
        .LoadAssemblies([.. Services, Shared, typeof(DirectionTests).Assembly])
        .Build();

    private static readonly string[] Names = [.. Services.Select(service => service.GetName().Name!)];

    [Fact]
    public void A_domain_uses_the_base_library_and_NodaTime_only() => Hold(name => UsesOnly(Within(name + ".Domain"), name + ".Domain"));

    [Fact]
    public void Contracts_use_the_base_library_and_NodaTime_only() => Assert.Empty(Violations(UsesOnly(Exactly(Contracts), Contracts)));

    [Fact]
    public void Persistence_knows_no_features() => Hold(name => Ignores(Within(name + ".Persistence"), Within(name + ".Features")));

    [Fact]
    public void Persistence_knows_no_GraphQL() => Hold(name => Ignores(Within(name + ".Persistence"), Within(name + ".GraphQL")));

    [Fact]
    public void Features_know_no_GraphQL() => Hold(name => Ignores(Within(name + ".Features"), Within(name + ".GraphQL")));

    [Fact]
    public void What_features_share_knows_none_of_them() => Hold(name => Ignores(Exactly(name + ".Features"), Below(name + ".Features")));

    [Fact]
    public void Features_form_no_cycle() =>
        Hold(name => SliceRuleDefinition.Slices().Matching(name + ".Features.(*)").Should().BeFreeOfCycles());

    [Fact]
    public void No_service_knows_another() =>
        Hold(name => Ignores(Within(name), Types().That().ResideInAssembly(Services[0], [.. Services[1..]]).And().AreNot(Within(name))));

    [Fact]
    public void What_services_share_knows_none_of_them() =>
        Assert.Empty(
            Violations(Ignores(Types().That().ResideInAssembly(Shared), Types().That().ResideInAssembly(Services[0], [.. Services[1..]])))
        );

    /// <summary>Checks that every service keeps the rule and that the sample breaks it.</summary>
    private static void Hold(Func<string, IArchRule> rule)
    {
        Assert.NotEmpty(Violations(rule(Sample)));
        Assert.Empty(Names.SelectMany(name => Violations(rule(name))));
    }

    private static IEnumerable<string> Violations(IArchRule rule) =>
        rule.Evaluate(Code).Where(result => !result.Passed).Select(result => result.Description);

    /// <summary>Checks what is not allowed: <c>OnlyDependOn</c> misses types of assemblies that are not loaded here.</summary>
    private static ArchRule<IType> UsesOnly(GivenTypesConjunction types, string own) =>
        Ignores(
            types,
            Types(includeReferenced: true)
                .That()
                .DoNotResideInNamespaceMatching($@"^(System|NodaTime)(\.|$)|^{Regex.Escape(own)}(\.|$)|^{Regex.Escape(Contracts)}$")
        );

    private static ArchRule<IType> Ignores(GivenTypesConjunction types, GivenTypesConjunction others) =>
        Types().That().Are(types).Should().NotDependOnAny(others).WithoutRequiringPositiveResults();

    private static GivenTypesConjunction Within(string name) => Types().That().ResideInNamespaceMatching($@"^{Regex.Escape(name)}(\.|$)");

    private static GivenTypesConjunction Exactly(string name) => Types().That().ResideInNamespaceMatching($"^{Regex.Escape(name)}$");

    private static GivenTypesConjunction Below(string name) => Types().That().ResideInNamespaceMatching($@"^{Regex.Escape(name)}\.");
}
