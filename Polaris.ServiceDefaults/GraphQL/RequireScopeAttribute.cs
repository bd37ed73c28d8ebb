using GraphQL;
using GraphQL.Types;
using Microsoft.AspNetCore.Http;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>Declares the scope of a root field. An undeclared root field stops the service at startup.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Property)]
public sealed class RequireScopeAttribute(string scope) : GraphQLAttribute
{
    internal const string MetadataKey = "polaris.scope";
    internal const string Anyone = "*";

    public string Scope { get; } = scope;

    public override void Modify(FieldType fieldType, bool isInputType) =>
        (fieldType ?? throw new ArgumentNullException(nameof(fieldType))).WithMetadata(MetadataKey, Scope);

    internal static void Check(FieldType field, HttpContext context)
    {
        var caller = context.User;
        var scope = field.GetMetadata<string>(MetadataKey);
        if (scope == Anyone)
            return;
        // An operator of the installation does not belong to an org.
        if (caller.Identity?.IsAuthenticated != true || (caller.OrgId() is null && !Scopes.OfInstallation(scope!)))
            throw new RefusedException(PolarisAuthentication.WhyNobody(context));
        if (!caller.HasScope(scope))
            throw new RefusedException(
                new Refusal(RefusalKind.Forbidden, "missing_scope", $"The token does not hold the scope '{scope}'.")
            );
        RequireRoleAttribute.Check(field, caller);
    }
}

/// <summary>Declares a root field that anyone may call, such as sign-up.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Property)]
public sealed class AllowAnyoneAttribute : GraphQLAttribute
{
    public override void Modify(FieldType fieldType, bool isInputType) =>
        (fieldType ?? throw new ArgumentNullException(nameof(fieldType))).WithMetadata(
            RequireScopeAttribute.MetadataKey,
            RequireScopeAttribute.Anyone
        );
}
