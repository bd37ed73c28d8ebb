using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.ServiceDefaults.Grpc;

/// <summary>
/// Propagates the org of the current request to calls of other services. The server accepts it from an authenticated service; a message
/// with another org then fails, since a scope's tenant is set once. Background work has no request: its messages contain the org.
/// </summary>
internal static class TenantMetadata
{
    public const string Header = "x-polaris-org";
}

internal sealed class SendTenant(IHttpContextAccessor http) : Interceptor
{
    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request,
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncUnaryCallContinuation<TRequest, TResponse> continuation
    ) => continuation(request, WithOrg(context));

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        TRequest request,
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation
    ) => continuation(request, WithOrg(context));

    private ClientInterceptorContext<TRequest, TResponse> WithOrg<TRequest, TResponse>(
        ClientInterceptorContext<TRequest, TResponse> context
    )
        where TRequest : class
        where TResponse : class
    {
        if (http.HttpContext?.RequestServices.GetService<TenantScope>()?.OrgId is not { } org)
            return context;
        var headers = new Metadata();
        foreach (var entry in context.Options.Headers ?? [])
            headers.Add(entry);
        headers.Add(TenantMetadata.Header, org.ToString());
        return new(context.Method, context.Host, context.Options.WithHeaders(headers));
    }
}

internal sealed class EnterTenant : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    )
    {
        Enter(context);
        return continuation(request, context);
    }

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation
    )
    {
        Enter(context);
        return continuation(request, responseStream, context);
    }

    private static void Enter(ServerCallContext context)
    {
        if (context.RequestHeaders.GetValue(TenantMetadata.Header) is not { } text)
            return;
        if (!Guid.TryParse(text, out var org) || org == Guid.Empty)
            throw new RefusedException(Refusal.Invalid(TenantMetadata.Header, "invalid_id", $"'{TenantMetadata.Header}' must be a UUID."));
        context.GetHttpContext().RequestServices.GetRequiredService<TenantScope>().EnterOrg(org);
    }
}
