using Microsoft.AspNetCore.Cors.Infrastructure;

namespace Polaris.Gateway.Embedding;

/// <summary>What an org's customers see in the org's own pages: the page for a frame, and calls from other origins.</summary>
internal static class Embedding
{
    /// <summary>The page for a frame; <c>org</c> in its query says whose origins may frame it.</summary>
    private const string FramePath = "/embed/portal.html";

    public static void AddEmbedding(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<EmbedOrigins>();
        builder.Services.AddCors();
        builder.Services.AddSingleton<ICorsPolicyProvider, EmbedCors>();
    }

    public static void UseEmbedding(this WebApplication app) => app.UseWhen(EmbedCors.Concerns, branch => branch.UseCors());

    public static bool IsFrame(HttpContext context) => context.Request.Path.Equals(FramePath, StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// As the dashboard's policy, but for who may frame the page: the origins of the org that the address names. A page that was given
    /// another org's token is framed by one who has that token.
    /// </summary>
    public static async Task AllowFramesAsync(HttpContext context, RequestDelegate next)
    {
        var origins = Guid.TryParse(context.Request.Query["org"], out var org)
            ? await context.RequestServices.GetRequiredService<EmbedOrigins>().OfAsync(org)
            : [];
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            // Older than frame-ancestors, and knows no list. Whoever serves the page may have set both.
            if (origins.Count > 0)
                headers.XFrameOptions = default;
            headers.ContentSecurityPolicy =
                "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors "
                + (origins.Count == 0 ? "'none'" : string.Join(' ', origins));
            return Task.CompletedTask;
        });
        await next(context);
    }
}
