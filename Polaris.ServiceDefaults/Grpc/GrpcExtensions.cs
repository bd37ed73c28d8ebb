using System.Net;
using Grpc.Core;
using Grpc.Net.Client.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.Grpc;

/// <summary>
/// gRPC between services: service discovery, a service token and the caller's org on each call, retries while the server is unavailable,
/// deadlines.
/// </summary>
public static class GrpcExtensions
{
    private const int MaxMessageBytes = 16 * 1024 * 1024;

    /// <summary>Default deadline of unary calls.</summary>
    public static readonly TimeSpan DefaultDeadline = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Default deadline of streamed answers, for all of the stream: a server that accepts a call and says nothing ends it.
    /// </summary>
    public static readonly TimeSpan DefaultStreamDeadline = TimeSpan.FromSeconds(60);

    /// <param name="services">The service collection.</param>
    /// <param name="service">The server's resource name; its endpoint <c>grpc</c> is called.</param>
    public static IHttpClientBuilder AddPolarisGrpcClient<TClient>(this IServiceCollection services, string service)
        where TClient : class =>
        services
            .AddHttpContextAccessor()
            .AddGrpcClient<TClient>(options => options.Address = new Uri($"http://_grpc.{service}"))
            .ConfigureChannel(channel =>
            {
                channel.UnsafeUseInsecureChannelCallCredentials = true;
                channel.MaxReceiveMessageSize = MaxMessageBytes;
                channel.ServiceConfig = new ServiceConfig { MethodConfigs = { RetryPolicyOfCalls() } };
            })
            .AddCallCredentials(
                async (context, metadata, provider) =>
                    metadata.Add(
                        "Authorization",
                        "Bearer " + await provider.GetRequiredService<ServiceTokens>().GetAsync(context.CancellationToken)
                    )
            )
            .AddHttpMessageHandler(provider => new ForgetRefusedToken(provider.GetRequiredService<ServiceTokens>()))
            .AddInterceptor(provider => new SendTenant(provider.GetRequiredService<IHttpContextAccessor>()))
            .AddInterceptor(() => new DeadlineInterceptor(TimeProvider.System));

    public static IServiceCollection AddPolarisGrpc(this IServiceCollection services)
    {
        services.AddGrpc(options =>
        {
            options.Interceptors.Add<RefusalInterceptor>();
            options.Interceptors.Add<EnterTenant>();
            options.MaxReceiveMessageSize = MaxMessageBytes;
            options.MaxSendMessageSize = MaxMessageBytes;
        });
        return services;
    }

    /// <summary>Maps a gRPC service that only Polaris services may call.</summary>
    public static GrpcServiceEndpointConventionBuilder MapPolarisGrpc<TService>(this IEndpointRouteBuilder routes)
        where TService : class => routes.MapGrpcService<TService>().RequireAuthorization(Scopes.Internal).InternalOnly();

    private static MethodConfig RetryPolicyOfCalls() =>
        new()
        {
            Names = { MethodName.Default },
            RetryPolicy = new RetryPolicy
            {
                MaxAttempts = 4,
                InitialBackoff = TimeSpan.FromMilliseconds(50),
                MaxBackoff = TimeSpan.FromSeconds(1),
                BackoffMultiplier = 3,
                // Unauthenticated: the service's token was rejected, such as after its signing key was removed. The next attempt requests
                // another.
                RetryableStatusCodes = { StatusCode.Unavailable, StatusCode.Unauthenticated },
            },
        };

    private sealed class ForgetRefusedToken(ServiceTokens tokens) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            if (response.StatusCode == HttpStatusCode.Unauthorized)
                tokens.Forget();
            return response;
        }
    }

    private sealed class DeadlineInterceptor(TimeProvider time) : global::Grpc.Core.Interceptors.Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request,
            global::Grpc.Core.Interceptors.ClientInterceptorContext<TRequest, TResponse> context,
            AsyncUnaryCallContinuation<TRequest, TResponse> continuation
        ) => continuation(request, Within(DefaultDeadline, context));

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            TRequest request,
            global::Grpc.Core.Interceptors.ClientInterceptorContext<TRequest, TResponse> context,
            AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation
        ) => continuation(request, Within(DefaultStreamDeadline, context));

        private global::Grpc.Core.Interceptors.ClientInterceptorContext<TRequest, TResponse> Within<TRequest, TResponse>(
            TimeSpan deadline,
            global::Grpc.Core.Interceptors.ClientInterceptorContext<TRequest, TResponse> context
        )
            where TRequest : class
            where TResponse : class =>
            context.Options.Deadline is not null
                ? context
                : new(context.Method, context.Host, context.Options.WithDeadline((time.GetUtcNow() + deadline).UtcDateTime));
    }
}
