using System.Security.Claims;
using GraphQL;
using GraphQL.Types;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// In addition to <see cref="RequireScopeAttribute"/>: only members with one of these roles may call the field, not API keys. The role
/// comes from the token and may be up to 15 minutes old; an action that a former owner must not perform reads the membership again.
/// </summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Property)]
public sealed class RequireRoleAttribute(params string[] roles) : GraphQLAttribute
{
    internal const string MetadataKey = "polaris.roles";

    public IReadOnlyList<string> Roles { get; } = roles;

    public override void Modify(FieldType fieldType, bool isInputType) =>
        (fieldType ?? throw new ArgumentNullException(nameof(fieldType))).WithMetadata(MetadataKey, Roles);

    internal static void Check(FieldType field, ClaimsPrincipal caller)
    {
        if (field.GetMetadata<IReadOnlyList<string>?>(MetadataKey) is not { } roles)
            return;
        if (caller.UserId() is null || caller.FindFirstValue(PolarisClaims.Role) is not { } role || !roles.Contains(role))
            throw new RefusedException(
                new Refusal(
                    RefusalKind.Forbidden,
                    "missing_role",
                    $"This needs a signed-in member with the role {string.Join(" or ", roles)}."
                )
            );
    }
}
