using Confluent.Kafka;
using Grpc.Core;
using Npgsql;

namespace Polaris.Billing.Features.Usage;

/// <summary>Whose fault a failure is: the record's, so that it would fail for ever, or that of the moment, so that trying again can help.</summary>
internal static class Poison
{
    /// <summary>
    /// True when the data itself is the reason. Of the database's errors only those about values and rows are: a full disk, a missing table or
    /// a right that was taken away would otherwise send healthy usage aside.
    /// </summary>
    public static bool Is(Exception exception) => exception switch
    {
        PostgresException { IsTransient: true } => false,
        PostgresException { SqlState: var state } => state[..2] is "21" or "22" or "23" or "54",
        NpgsqlException or TimeoutException or OperationCanceledException or IOException or System.Net.Sockets.SocketException or KafkaException or RpcException => false,
        _ => true,
    };
}
