using Polaris.Tests;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(OwnPlatformFirst))]

namespace Polaris.Tests;

/// <summary>What <c>dotnet test --filter</c> can leave out, see docs/development.md.</summary>
internal static class Categories
{
    public const string Name = "Category";

    /// <summary>Needs the platform, see <see cref="PlatformTests"/>.</summary>
    public const string Platform = "Platform";

    /// <summary>Kills processes under load, or repeats something for many seeds: minutes altogether.</summary>
    public const string Chaos = "Chaos";

    /// <summary>Attacks the running platform from outside (promises 11 and 12).</summary>
    public const string Abuse = "Abuse";
}

/// <summary>Tests that need the platform: the first of them starts it, and all of them can be left out by their category.</summary>
[Trait(Categories.Name, Categories.Platform)]
public abstract class PlatformTests : IAsyncLifetime
{
    public virtual async ValueTask InitializeAsync() => await (await TestContext.Current.GetFixture<PolarisApp>())!.StartedAsync();

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}

/// <summary>
/// Tests that start a platform, or several processes, of their own: one at a time, in parallel with all others, and first, because they
/// take long.
/// </summary>
[CollectionDefinition(nameof(OwnPlatform))]
public sealed class OwnPlatform;

/// <summary>Attacks with thousands of requests: one at a time, in parallel with all others.</summary>
[CollectionDefinition(nameof(Attack))]
public sealed class Attack;

/// <summary>Starts that collection before the others.</summary>
public sealed class OwnPlatformFirst : ITestCollectionOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(collection => collection.TestCollectionDisplayName is not (nameof(OwnPlatform) or nameof(Attack)))];
}
