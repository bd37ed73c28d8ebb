using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Polaris.Ingestion.Features.Events;
using Polaris.Ingestion.Features.Ingest;
using Polaris.ServiceDefaults.Auth;

namespace Polaris.Ingestion.OpenApi;

/// <summary>
/// The two addresses that clients call, and their OpenAPI document: at <c>/openapi/ingestion.json</c>, and printed by
/// <c>dotnet Polaris.Ingestion.dll openapi</c>, which needs no database. <c>docs/openapi</c> keeps it; a test sends its examples.
/// </summary>
internal static class IngestionDocument
{
    private const string Name = "ingestion";
    private const string Security = "bearer";

    private const string About = """
        Usage events: sending them, taking them back, and looking where one has got to. Every answer that is not a 2xx is a problem (RFC 9457)
        with a stable `code`, or the receipts of what was sent. The same in words: docs/ingest.md.
        """;

    public static void AddIngestionDocument(this IServiceCollection services) => services.AddOpenApi(Name, options =>
    {
        options.ShouldInclude = route => route.GroupName == Name;
        options.AddSchemaTransformer(EventSchemas.Refine);
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo { Title = "Polaris ingestion", Version = "1", Description = About.ReplaceLineEndings(" ") };
            // Where the document came from, be it the gateway or the service.
            document.Servers = [new OpenApiServer { Url = "/" }];
            document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Security, document)] = [] }];
            document.AddComponent<IOpenApiSecurityScheme>(Security, new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "An API key (`pk_…`) or an access token, with the scope that the operation names.",
            });
            EventSchemas.AddTo(document);
            return Task.CompletedTask;
        });
    });

    public static void MapIngestion(this IEndpointRouteBuilder app)
    {
        // Kestrel's own limit would cut the connection; the endpoint answers with a problem instead.
        app.MapPost("/ingest", IngestEndpoint.HandleAsync).RequireAuthorization(Scopes.Ingest).WithGroupName(Name).WithTags("events").WithMetadata(new DisableRequestSizeLimitAttribute())
            .Produces<IngestResponse>(202).Produces<IngestResponse>(409).Produces<IngestResponse>(422).AddOpenApiOperationTransformer(DescribeIngest.Fill);
        app.MapGet(EventEndpoint.Prefix + "{**idempotencyKey}", EventEndpoint.HandleAsync).RequireAuthorization(Scopes.Read).WithGroupName(Name).WithTags("events")
            .Produces<EventResponse>().AddOpenApiOperationTransformer(DescribeEvent.Fill);
        app.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();
    }

    /// <summary>True when the arguments asked for the document, which is then printed; the caller returns.</summary>
    public static async Task<bool> RunVerbAsync(string[] args)
    {
        if (args is not ["openapi"]) return false;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddAuthorization().AddIngestionDocument();
        await using var app = builder.Build();
        app.MapIngestion();
        Console.Out.Write(await TextAsync(app));
        return true;
    }

    /// <summary>Of a service that was built and not started: routes are known once the pipeline asks for them.</summary>
    private static async Task<string> TextAsync(WebApplication app)
    {
        app.UseRouting();
#pragma warning disable ASP0014 // Nothing is mapped here: this tells the document which routes there are.
        app.UseEndpoints(_ => { });
#pragma warning restore ASP0014
        var document = await app.Services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name).GetOpenApiDocumentAsync();
        await using var text = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        document.SerializeAsV31(new OpenApiJsonWriter(text));
        return text + "\n";
    }
}
