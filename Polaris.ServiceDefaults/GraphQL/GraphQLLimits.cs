using System.ComponentModel.DataAnnotations;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// Section <c>GraphQL</c>: what one request may ask of the gateway or a subgraph. All but the time and the number at once are checked
/// before the library validates the document, whose rules take time that grows with the square of some of these, or worse. What is over
/// a limit is refused with 400 and an error that names the limit.
/// </summary>
public sealed class GraphQLLimits
{
    public const string Section = "GraphQL";

    /// <summary>The largest operation, which every org's budget has room for (<see cref="RateLimiting.RateBudgets.Burst"/>).</summary>
    internal const int DefaultMaxCost = 500_000;

    /// <summary>Bytes of a request's body.</summary>
    [Range(1_024, 64 * 1024 * 1024)]
    public int MaxRequestBytes { get; set; } = 1024 * 1024;

    /// <summary>Nesting of the body's JSON, and so of variables.</summary>
    [Range(4, 64)]
    public int MaxJsonDepth { get; set; } = 32;

    /// <summary>Values in the body's JSON, and so in all variables: objects, lists, and what they hold.</summary>
    [Range(16, 1_000_000)]
    public int MaxJsonValues { get; set; } = 50_000;

    /// <summary>Characters (UTF-16 units) of a document.</summary>
    [Range(16, 16 * 1024 * 1024)]
    public int MaxCharacters { get; set; } = 100_000;

    /// <summary>Tokens of a document, comments included.</summary>
    [Range(16, 1_000_000)]
    public int MaxTokens { get; set; } = 10_000;

    /// <summary>Brackets of any kind inside one another. The parser and everything after it call themselves once for each.</summary>
    [Range(4, 64)]
    public int MaxNesting { get; set; } = 32;

    /// <summary>Characters of a name. The library measures the distance of an unknown one to all known ones.</summary>
    [Range(16, 10_000)]
    public int MaxNameLength { get; set; } = 128;

    /// <summary>Characters of a number, in the document or in variables.</summary>
    [Range(16, 10_000)]
    public int MaxNumberLength { get; set; } = 64;

    /// <summary>Operations of a document.</summary>
    [Range(1, 1_000)]
    public int MaxOperations { get; set; } = 10;

    /// <summary>Fragments of a document.</summary>
    [Range(1, 1_000)]
    public int MaxFragments { get; set; } = 50;

    /// <summary>Fragments that spread one another in a row.</summary>
    [Range(1, 100)]
    public int MaxFragmentChain { get; set; } = 16;

    /// <summary>Variables of an operation.</summary>
    [Range(1, 1_000)]
    public int MaxVariables { get; set; } = 50;

    /// <summary>Directives at one place.</summary>
    [Range(1, 100)]
    public int MaxDirectives { get; set; } = 8;

    /// <summary>Aliases of an operation, each as often as its fragment is spread.</summary>
    [Range(1, 10_000)]
    public int MaxAliases { get; set; } = 100;

    /// <summary>Fields and fragments of an operation or fragment, each as often as its fragment is spread.</summary>
    [Range(16, 10_000)]
    public int MaxFields { get; set; } = 1_000;

    /// <summary>Fields inside one another. The usual introspection query needs 15.</summary>
    [Range(4, 64)]
    public int MaxDepth { get; set; } = 15;

    /// <summary>Selections of the same response key at one place. Each two of them are compared.</summary>
    [Range(1, 1_000)]
    public int MaxRepeats { get; set; } = 50;

    /// <summary>Different response keys at the root of an operation. At the gateway each may be a call of a service.</summary>
    [Range(1, 1_000)]
    public int MaxRootFields { get; set; } = 50;

    /// <summary>
    /// Values that an answer may have: each field counts as often as the lists around it have elements, see
    /// <see cref="DocumentCost"/>.
    /// </summary>
    [Range(100, 100_000_000)]
    public int MaxCost { get; set; } = DefaultMaxCost;

    /// <summary>Errors of an answer; further ones are left out.</summary>
    [Range(1, 10_000)]
    public int MaxErrors { get; set; } = 20;

    /// <summary>From the first byte of the body to the last of the answer. What is still at work then is cancelled.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan Deadline { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>At the gateway, requests at once of one caller: a user or an API key, or an address without a token.</summary>
    [Range(1, 10_000)]
    public int MaxConcurrentPerCaller { get; set; } = 16;

    /// <summary>At the gateway, requests at once of all callers of an org.</summary>
    [Range(1, 10_000)]
    public int MaxConcurrentPerOrg { get; set; } = 64;

    /// <summary>
    /// At the gateway, what the operations of an org's requests may cost together while they run (<see cref="MaxCost"/>'s values): further
    /// ones wait in turn, and one that costs more runs alone.
    /// </summary>
    [Range(1, 100_000_000)]
    public int MaxConcurrentCostPerOrg { get; set; } = 20_000;

    /// <summary>At the gateway, requests of one caller that wait for their turn; further ones are answered 429.</summary>
    [Range(0, 10_000)]
    public int MaxQueuedPerCaller { get; set; } = 64;

    /// <summary>At a replica of the gateway, open subscriptions of one caller.</summary>
    [Range(1, 10_000)]
    public int MaxSubscriptionsPerCaller { get; set; } = 16;

    /// <summary>At a replica of the gateway, open subscriptions of all callers of an org.</summary>
    [Range(1, 10_000)]
    public int MaxSubscriptionsPerOrg { get; set; } = 64;

    /// <summary>Open subscriptions of a replica of the gateway.</summary>
    [Range(1, 100_000)]
    public int MaxSubscriptions { get; set; } = 1_000;

    /// <summary>A subscription is complete after so long; who wants more subscribes again.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan SubscriptionLifetime { get; set; } = TimeSpan.FromMinutes(15);
}
