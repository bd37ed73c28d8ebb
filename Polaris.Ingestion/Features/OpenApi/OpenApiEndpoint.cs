namespace Polaris.Ingestion.Features.OpenApi;

/// <summary>
/// <c>GET /openapi/ingestion.json</c>: the OpenAPI document of the public endpoints. It is <c>docs/openapi/ingestion.json</c>, written by
/// hand; tests compare it with the service.
/// </summary>
internal static class OpenApiEndpoint
{
    private static readonly byte[] Document = Read();

    public static void MapOpenApiDocument(this IEndpointRouteBuilder app) =>
        app.MapGet("/openapi/ingestion.json", () => Results.Bytes(Document, "application/json")).AllowAnonymous();

    private static byte[] Read()
    {
        using var resource = typeof(OpenApiEndpoint).Assembly.GetManifestResourceStream("openapi.json")!;
        var document = new byte[resource.Length];
        resource.ReadExactly(document);
        return document;
    }
}
