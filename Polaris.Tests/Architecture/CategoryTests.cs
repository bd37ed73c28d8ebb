using System.Reflection;
using Xunit;
using Xunit.v3;

namespace Polaris.Tests.Architecture;

/// <summary>Who needs the platform says so, and nobody else: that is what the filters in docs/development.md go by.</summary>
public sealed class CategoryTests
{
    private static readonly Type[] Types = typeof(CategoryTests).Assembly.GetTypes();

    private static readonly Type[] TestClasses =
    [
        .. Types.Where(type => type.GetMethods().Any(method => method.GetCustomAttributes().Any(one => one is IFactAttribute))),
    ];

    [Fact]
    public void A_class_of_tests_is_in_the_platform_category_if_and_only_if_it_is_given_the_platform()
    {
        var given = TestClasses.Where(IsGivenThePlatform).ToArray();
        Assert.Contains(typeof(SmokeTests), given);
        Assert.Contains(typeof(Billing.AggregationTests), given);
        Assert.DoesNotContain(typeof(CategoryTests), given);
        Assert.Equal(Names(given), Names(TestClasses.Where(type => type.IsSubclassOf(typeof(PlatformTests)))));
    }

    [Fact]
    public void No_test_has_another_category_than_the_documented_ones()
    {
        var categories = TestClasses
            .SelectMany(type => type.GetMethods().Append<MemberInfo>(type))
            .SelectMany(member => member.GetCustomAttributes(inherit: true).OfType<ITraitAttribute>())
            .SelectMany(trait => trait.GetTraits())
            .Where(trait => trait.Key == Categories.Name)
            .Select(trait => trait.Value);
        Assert.Equal([Categories.Abuse, Categories.Chaos, Categories.Platform], categories.Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>By its constructor: itself, or within a fixture.</summary>
    private static bool IsGivenThePlatform(Type type) =>
        type.GetConstructors()
            .SelectMany(constructor => constructor.GetParameters())
            .Select(parameter => parameter.ParameterType)
            .Any(given => given == typeof(PolarisApp) || given.Assembly == type.Assembly && IsGivenThePlatform(given));

    private static IEnumerable<string> Names(IEnumerable<Type> types) => types.Select(type => type.FullName!).Order(StringComparer.Ordinal);
}
