using System.Security.Claims;
using GraphQL;
using GraphQL.Types;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// Beside <see cref="RequireScopeAttribute"/>: only members with one of these roles may call the field, no API key. The role is the token's, up to
/// a quarter of an hour old: what must not be done by a former owner reads the membership again.
/// </summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Property)]
public sealed class RequireRoleAttribute(params string[] roles) : GraphQLAttribute
{
    internal const string MetadataKey = "polaris.roles";

    public IReadOnlyList<string> Roles { get; } = roles;

    public override void Modify(FieldType fieldType, bool isInputType) => (fieldType ?? throw new ArgumentNullException(nameof(fieldType))).WithMetadata(MetadataKey, Roles);

    internal static void Check(FieldType field, ClaimsPrincipal caller)
    {
        if (field.GetMetadata<IReadOnlyList<string>?>(MetadataKey) is not { } roles) return;
        if (caller.UserId() is null || caller.FindFirstValue(PolarisClaims.Role) is not { } role || !roles.Contains(role))
            throw new RefusedException(new Refusal(RefusalKind.Forbidden, "missing_role", $"Only a member who signed in as {string.Join(" or ", roles)} may do this."));
    }
}
