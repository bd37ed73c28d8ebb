using System.Text.Json;

namespace Polaris.Client;

/// <summary>A request that Polaris refused, or that never reached it.</summary>
/// <param name="code">Polaris's stable code, such as <c>invalid_credentials</c>; <c>unreachable</c> when there was no answer.</param>
/// <param name="message">For people; may change.</param>
/// <param name="status">The HTTP status; 0 when there was no answer.</param>
public class PolarisException(string code, string message, int status) : Exception(message)
{
    /// <summary>Polaris's stable code.</summary>
    public string Code { get; } = code;

    /// <summary>The HTTP status; 0 when there was no answer.</summary>
    public int Status { get; } = status;
}

/// <summary>An event that was not stored: it is invalid, conflicts with an earlier one, or could not be sent in time.</summary>
public sealed class UsageEventException : PolarisException
{
    internal UsageEventException(string code, string message, int status, UsageEvent usageEvent, string? field = null)
        : base(code, message, status) => (Event, Field) = (usageEvent, field);

    /// <summary>As it was sent: with its key, so that it can be sent again.</summary>
    public UsageEvent Event { get; }

    /// <summary>The invalid field, when one is.</summary>
    public string? Field { get; }
}

/// <summary>As many events wait as <see cref="PolarisClientOptions.MaxBuffered"/> allows. The event was not taken.</summary>
public sealed class BufferFullException : InvalidOperationException
{
    internal BufferFullException(int atMost)
        : base($"{atMost} events wait to be sent already ({nameof(PolarisClientOptions.MaxBuffered)}).") { }
}

/// <summary>A GraphQL answer with errors.</summary>
public sealed class GraphQLRequestException : PolarisException
{
    internal GraphQLRequestException(IReadOnlyList<GraphQLError> errors, JsonElement? data, int status)
        : base(errors[0].Extensions?.Code ?? "graphql_error", errors[0].Message, status) => (Errors, AnsweredData) = (errors, data);

    /// <summary>At least one.</summary>
    public IReadOnlyList<GraphQLError> Errors { get; }

    /// <summary>What was answered beside the errors.</summary>
    public JsonElement? AnsweredData { get; }
}

/// <summary>An error of a GraphQL answer.</summary>
/// <param name="Message">For people; may change.</param>
/// <param name="Path">Names and indices from the root to the field.</param>
/// <param name="Extensions">Polaris's own.</param>
public sealed record GraphQLError(string Message, IReadOnlyList<JsonElement>? Path, GraphQLErrorExtensions? Extensions);

/// <summary>Polaris's part of an error.</summary>
/// <param name="Code">Stable.</param>
public sealed record GraphQLErrorExtensions(string? Code);
