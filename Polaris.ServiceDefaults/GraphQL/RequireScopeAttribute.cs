using GraphQL;
using GraphQL.Types;
using Microsoft.AspNetCore.Http;
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

    internal static void Check(FieldType field, HttpContext context)
    {
        var caller = context.User;
        var scope = field.GetMetadata<string>(MetadataKey);
        if (scope == Anyone) return;
        // An operator of the installation belongs to no org.
        if (caller.Identity?.IsAuthenticated != true || (caller.OrgId() is null && scope != Scopes.Platform)) throw new RefusedException(PolarisAuthentication.WhyNobody(context));
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
