using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Polaris.ServiceDefaults.Errors;

/// <summary>Maps refusals to problem details (RFC 9457), gRPC statuses and GraphQL error codes.</summary>
public static class RefusalMapping
{
    public const string ProblemTypePrefix = "https://polaris.dev/problems/";

    /// <summary>Of a problem and of a GraphQL error: whole seconds, at least one.</summary>
    public const string RetryAfterExtension = "retry_after";

    public static int RetryAfterSeconds(TimeSpan wait) => Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));

    public static int HttpStatus(RefusalKind kind) =>
        kind switch
        {
            RefusalKind.InvalidInput => StatusCodes.Status422UnprocessableEntity,
            RefusalKind.Unauthenticated => StatusCodes.Status401Unauthorized,
            RefusalKind.Forbidden => StatusCodes.Status403Forbidden,
            RefusalKind.NotFound => StatusCodes.Status404NotFound,
            RefusalKind.Conflict => StatusCodes.Status409Conflict,
            RefusalKind.TooLarge => StatusCodes.Status413PayloadTooLarge,
            RefusalKind.TooMany => StatusCodes.Status429TooManyRequests,
            RefusalKind.Unavailable => StatusCodes.Status503ServiceUnavailable,
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    public static StatusCode GrpcStatus(RefusalKind kind) =>
        kind switch
        {
            RefusalKind.InvalidInput or RefusalKind.TooLarge => StatusCode.InvalidArgument,
            RefusalKind.Unauthenticated => StatusCode.Unauthenticated,
            RefusalKind.Forbidden => StatusCode.PermissionDenied,
            RefusalKind.NotFound => StatusCode.NotFound,
            RefusalKind.Conflict => StatusCode.FailedPrecondition,
            RefusalKind.TooMany => StatusCode.ResourceExhausted,
            RefusalKind.Unavailable => StatusCode.Unavailable,
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    /// <summary>The value of <c>errors[].extensions.code</c>.</summary>
    public static string GraphQLCode(RefusalKind kind) =>
        kind switch
        {
            RefusalKind.InvalidInput or RefusalKind.TooLarge => "INVALID_INPUT",
            RefusalKind.Unauthenticated => "UNAUTHENTICATED",
            RefusalKind.Forbidden => "FORBIDDEN",
            RefusalKind.NotFound => "NOT_FOUND",
            RefusalKind.Conflict => "CONFLICT",
            RefusalKind.TooMany => "RATE_LIMITED",
            RefusalKind.Unavailable => "UNAVAILABLE",
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    /// <summary>
    /// The refusal that an exception stands for: its own, a conflict when another call was faster, or a retryable one when the database or
    /// another service is unavailable. Any other exception is an internal error.
    /// </summary>
    public static bool TryGetRefusal(Exception? exception, [NotNullWhen(true)] out Refusal? refusal)
    {
        refusal = exception switch
        {
            RefusedException refused => refused.Refusal,
            NpgsqlException { IsTransient: true }
            or RetryLimitExceededException { InnerException: NpgsqlException { IsTransient: true } } => new Refusal(
                RefusalKind.Unavailable,
                "storage_unavailable",
                "The database cannot be reached at the moment. Try again."
            ),
            RpcException { StatusCode: StatusCode.Unavailable or StatusCode.DeadlineExceeded } => new Refusal(
                RefusalKind.Unavailable,
                "service_unavailable",
                "A service that this one depends on is unavailable at the moment. Try again."
            ),
            // Two calls at once that create the same: the transaction was tried again (PolarisDbContext) and met another one each time.
            PostgresException { SqlState: PostgresErrorCodes.UniqueViolation }
            or Microsoft.EntityFrameworkCore.DbUpdateException
            {
                InnerException: PostgresException { SqlState: PostgresErrorCodes.UniqueViolation }
            }
            or Microsoft.EntityFrameworkCore.DbUpdateConcurrencyException => Refusal.Conflict(
                "conflict",
                "Another request changed the same thing at the same time. Read it again and, if it is still wanted, repeat the change."
            ),
            // EF Core wraps exceptions of commands that it does not retry.
            InvalidOperationException
            or Microsoft.EntityFrameworkCore.DbUpdateException
                when exception.InnerException is NpgsqlException { IsTransient: true } or RefusedException => TryGetRefusal(
                exception.InnerException,
                out var wrapped
            )
                ? wrapped
                : null,
            _ => null,
        };
        return refusal is not null;
    }

    public static ProblemDetails ToProblem(this Refusal refusal)
    {
        ArgumentNullException.ThrowIfNull(refusal);
        var problem = Problem(HttpStatus(refusal.Kind), refusal.Code, refusal.Message);
        if (refusal.Path is not null)
            problem.Extensions["path"] = refusal.Path;
        if (refusal.RetryAfter is { } wait)
            problem.Extensions[RetryAfterExtension] = RetryAfterSeconds(wait);
        return problem;
    }

    public static ProblemDetails Problem(int status, string code, string detail)
    {
        var problem = new ProblemDetails
        {
            Type = ProblemTypePrefix + code,
            Title = string.Concat(code[..1].ToUpperInvariant(), code[1..].Replace('_', ' ')),
            Status = status,
            Detail = detail,
        };
        problem.Extensions["code"] = code;
        return problem;
    }

    /// <summary>Writes a problem response unless the response has already started.</summary>
    public static Task WriteProblemAsync(this HttpContext context, ProblemDetails problem)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(problem);
        if (context.Response.HasStarted)
            return Task.CompletedTask;
        context.Response.StatusCode = problem.Status ?? StatusCodes.Status500InternalServerError;
        if (problem.Extensions.TryGetValue(RetryAfterExtension, out var wait) && wait is int seconds)
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        else if (problem.Status == StatusCodes.Status503ServiceUnavailable && context.Response.Headers.RetryAfter.Count == 0)
            context.Response.Headers.RetryAfter = "1";
        return context.Response.WriteAsJsonAsync(problem, options: null, "application/problem+json", context.RequestAborted);
    }

    internal static void AddPolarisProblems(this IServiceCollection services)
    {
        services.AddProblemDetails();
        services.AddExceptionHandler<RefusalExceptionHandler>();
        services.AddSingleton<RefusalInterceptor>();
    }

    private sealed class RefusalExceptionHandler : IExceptionHandler
    {
        public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
        {
            if (TryGetRefusal(exception, out var refusal))
            {
                await httpContext.WriteProblemAsync(refusal.ToProblem());
                return true;
            }

            switch (exception)
            {
                case BadHttpRequestException bad:
                    await httpContext.WriteProblemAsync(
                        Problem(bad.StatusCode, bad.StatusCode == 413 ? "request_too_large" : "bad_request", bad.Message)
                    );
                    return true;
                // Kestrel's words for a chunk whose size no number holds.
                case IOException { InnerException: OverflowException } chunk:
                    await httpContext.WriteProblemAsync(Problem(400, "bad_request", chunk.Message));
                    return true;
                default:
                    var problem = Problem(
                        500,
                        "internal_error",
                        "Internal error. Report the 'trace_id': it identifies the request in logs and traces."
                    );
                    problem.Extensions["trace_id"] = Activity.Current?.TraceId.ToString() ?? httpContext.TraceIdentifier;
                    await httpContext.WriteProblemAsync(problem);
                    return true;
            }
        }
    }
}

/// <summary>
/// Maps refusals to gRPC statuses and an unavailable database to UNAVAILABLE, which callers retry; other exceptions stay INTERNAL.
/// </summary>
internal sealed class RefusalInterceptor : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    )
    {
        try
        {
            return await continuation(request, context);
        }
        catch (Exception exception) when (RefusalMapping.TryGetRefusal(exception, out var refusal))
        {
            throw ToRpc(refusal);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation
    )
    {
        try
        {
            await continuation(request, responseStream, context);
        }
        catch (Exception exception) when (RefusalMapping.TryGetRefusal(exception, out var refusal))
        {
            throw ToRpc(refusal);
        }
    }

    private static RpcException ToRpc(Refusal refusal) => new(new Status(RefusalMapping.GrpcStatus(refusal.Kind), refusal.Message));
}
