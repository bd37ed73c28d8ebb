namespace Polaris.ServiceDefaults.Auth;

/// <summary>A member's role in an org.</summary>
public static class Roles
{
    /// <summary>Full access; only owners change roles and remove members. An org has at least one.</summary>
    public const string Owner = "owner";

    public const string Admin = "admin";

    /// <summary>Manages customers, subscriptions and invoices.</summary>
    public const string Billing = "billing";

    /// <summary>Read-only.</summary>
    public const string Viewer = "viewer";

    public static readonly IReadOnlyList<string> All = [Owner, Admin, Billing, Viewer];

    /// <summary>The API scopes that a role implies.</summary>
    public static IReadOnlyList<string> ScopesOf(string role) =>
        role switch
        {
            Owner or Admin => [Scopes.Read, Scopes.Billing, Scopes.Admin],
            Billing => [Scopes.Read, Scopes.Billing],
            _ => [Scopes.Read],
        };
}
