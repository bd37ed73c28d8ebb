using System.Security.Claims;
using GraphQL;
using GraphQL.Types;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>Declares who may call a root field. A root field that declares nothing makes the schema refuse to start.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Property)]
public sealed class RequireScopeAttribute(string scope) : GraphQLAttribute
{
    internal const string MetadataKey = "polaris.scope";
    internal const string Anyone = "*";

    public string Scope { get; } = scope;

    public override void Modify(FieldType fieldType, bool isInputType) => (fieldType ?? throw new ArgumentNullException(nameof(fieldType))).WithMetadata(MetadataKey, Scope);

    internal static void Check(FieldType field, ClaimsPrincipal? caller)
    {
        var scope = field.GetMetadata<string>(MetadataKey);
        if (scope == Anyone) return;
        // An operator of the installation belongs to no org.
        if (caller?.Identity?.IsAuthenticated != true || (caller.OrgId() is null && scope != Scopes.Platform))
            throw new RefusedException(new Refusal(RefusalKind.Unauthenticated, "missing_credentials", "Send an API key or an access token: 'Authorization: Bearer <token>'."));
        if (!caller.HasScope(scope))
            throw new RefusedException(new Refusal(RefusalKind.Forbidden, "missing_scope", $"The token does not hold the scope '{scope}'."));
        RequireRoleAttribute.Check(field, caller);
    }
}

/// <summary>Declares a root field that anybody may call, such as signing up.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Property)]
public sealed class AllowAnyoneAttribute : GraphQLAttribute
{
    public override void Modify(FieldType fieldType, bool isInputType) =>
        (fieldType ?? throw new ArgumentNullException(nameof(fieldType))).WithMetadata(RequireScopeAttribute.MetadataKey, RequireScopeAttribute.Anyone);
}
