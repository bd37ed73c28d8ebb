namespace Polaris.ServiceDefaults.Access;

/// <summary>One entry point of a service and who may call it.</summary>
/// <param name="Service">The service's name, such as <c>billing</c>.</param>
/// <param name="Kind"><see cref="Http"/>, <see cref="GraphQL"/> or <see cref="Grpc"/>.</param>
/// <param name="Name"><c>POST /ingest</c>, <c>Query.meters</c> or <c>polaris.billing.v1.Billing/GetInvoices</c>.</param>
/// <param name="Allows">The scope that a caller's token must hold, or <see cref="Anyone"/>.</param>
/// <param name="Roles">
/// Only members with one of these roles, joined by " or "; null when any holder of the scope may call, including API keys.
/// </param>
public sealed record Surface(string Service, string Kind, string Name, string Allows, string? Roles = null)
{
    public const string Http = "http";
    public const string GraphQL = "graphql";
    public const string Grpc = "grpc";
    public const string Anyone = "anyone";
}
