using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Ingestion.OpenApi;

/// <summary>The parts that operations are described with.</summary>
internal static class Describing
{
    private const string ProblemJson = "application/problem+json";

    public static readonly (string Code, string Detail)[] Unauthenticated =
    [
        ("missing_credentials", "Send an API key or an access token: 'Authorization: Bearer <token>'."),
        ("invalid_credentials", "The token of the Authorization header is not valid here."),
        ("revoked_credentials", "The API key was revoked."),
    ];

    public static readonly (string Code, string Detail) MissingScope = ("missing_scope", "The token is valid but does not hold the scope that this call needs.");

    public static readonly (string Code, string Detail) IdentityUnavailable = ("identity_unavailable", "The token cannot be verified at the moment. Try again.");

    public static readonly (string Code, string Detail) ServiceUnavailable = ("service_unavailable", "The service behind this address cannot be reached at the moment. Try again.");

    public static OpenApiExample Example(string summary, JsonNode? value) => new() { Summary = summary, Value = value };

    public static Dictionary<string, IOpenApiExample> Examples(params (string Name, string Summary, string Json)[] examples) =>
        examples.ToDictionary(one => one.Name, IOpenApiExample (one) => Example(one.Summary, JsonNode.Parse(one.Json)));

    /// <summary>What the type says of an answer, in words and with examples.</summary>
    public static void Answer(this OpenApiOperation operation, int status, string description, params (string Name, string Summary, string Json)[] examples)
    {
        var response = (OpenApiResponse)operation.Responses![$"{status}"];
        response.Description = description;
        response.Content!["application/json"].Examples = Examples(examples);
    }

    /// <summary>An answer that is a problem, with an example for each of its codes.</summary>
    public static void Refusal(this OpenApiOperation operation, OpenApiDocument document, int status, string description, bool retryAfter, params (string Code, string Detail)[] codes)
    {
        var response = new OpenApiResponse
        {
            Description = description,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [ProblemJson] = new OpenApiMediaType
                {
                    Schema = new OpenApiSchemaReference(EventSchemas.Problem, document),
                    Examples = codes.ToDictionary(one => one.Code, IOpenApiExample (one) => Example(one.Code, ProblemOf(status, one.Code, one.Detail))),
                },
            },
        };
        if (retryAfter)
        {
            response.Headers = new Dictionary<string, IOpenApiHeader>
            {
                ["Retry-After"] = new OpenApiHeader { Required = true, Description = "Seconds to wait.", Schema = new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1" } },
            };
        }

        operation.Responses![$"{status}"] = response;
    }

    private static JsonObject ProblemOf(int status, string code, string detail)
    {
        var problem = RefusalMapping.Problem(status, code, detail);
        return new JsonObject { ["type"] = problem.Type, ["title"] = problem.Title, ["status"] = status, ["detail"] = detail, ["code"] = code };
    }
}
