using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.Messaging;

/// <summary>Whose fault it is that a record was not handled, which decides what becomes of the record.</summary>
public enum FaultKind
{
    /// <summary>The record's own data: no retry helps, so it becomes a dead letter.</summary>
    Record,

    /// <summary>Storage or another service: everything waits until it is back, nothing is skipped.</summary>
    Infrastructure,

    /// <summary>An error of ours: the record is retried with backoff and alerted, and others are handled meanwhile.</summary>
    Code,
}

/// <summary>A record's value is not the message that its topic has.</summary>
public sealed class UnreadableRecordException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Parses a record's value. A message that is stored elsewhere and cannot be parsed is no fault of the record.</summary>
    public static T Parse<T>(MessageParser<T> parser, byte[] payload)
        where T : IMessage<T>
    {
        ArgumentNullException.ThrowIfNull(parser);
        try
        {
            return parser.ParseFrom(payload);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new UnreadableRecordException($"The value is no {typeof(T).Name}: {exception.Message}", exception);
        }
    }
}

public static class Fault
{
    /// <summary>
    /// Of database errors only those about values and rows are the record's: a full disk, a missing table or a revoked privilege must not
    /// turn valid usage into dead letters. Neither must a null reference of ours: what is not known to be about data is an error in code.
    /// </summary>
    public static FaultKind Of(Exception exception) =>
        exception switch
        {
            DbUpdateException { InnerException: { } inner } => Of(inner),
            PostgresException { IsTransient: true } => FaultKind.Infrastructure,
            PostgresException { SqlState: var state } => state[..2] is "21" or "22" or "23" or "54"
                ? FaultKind.Record
                : FaultKind.Infrastructure,
            RefusedException { Refusal.Kind: RefusalKind.Unavailable } => FaultKind.Infrastructure,
            RefusedException => FaultKind.Record,
            // An IOException by its type, but not a broken connection: a stored message of ours that cannot be parsed.
            InvalidProtocolBufferException => FaultKind.Code,
            NpgsqlException
            or TimeoutException
            or OperationCanceledException
            or IOException
            or System.Net.Sockets.SocketException
            or KafkaException
            or RpcException => FaultKind.Infrastructure,
            UnreadableRecordException or OverflowException or JsonException or FormatException or DecoderFallbackException =>
                FaultKind.Record,
            _ => FaultKind.Code,
        };
}
