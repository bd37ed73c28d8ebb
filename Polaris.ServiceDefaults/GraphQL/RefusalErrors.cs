using GraphQL;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>Refusals as errors of an answer.</summary>
public static class RefusalErrors
{
    /// <summary>With its code and, as extensions, the rule, the path and when to try again.</summary>
    public static ExecutionError Of(Refusal refusal)
    {
        ArgumentNullException.ThrowIfNull(refusal);
        var error = new ExecutionError(refusal.Message) { Code = RefusalMapping.GraphQLCode(refusal.Kind) };
        error.AddExtension("rule", refusal.Code);
        if (refusal.Path is not null)
            error.AddExtension("path", refusal.Path);
        if (refusal.RetryAfter is { } wait)
            error.AddExtension(RefusalMapping.RetryAfterExtension, RefusalMapping.RetryAfterSeconds(wait));
        return error;
    }
}
