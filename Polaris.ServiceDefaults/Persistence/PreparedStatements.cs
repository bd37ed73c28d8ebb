using System.Data;
using Npgsql;

namespace Polaris.ServiceDefaults.Persistence;

/// <summary>
/// Npgsql prepares a repeated statement together with one of its executions. When the server takes the statement and then refuses that
/// execution's values, Npgsql holds it for prepared without having heard of its columns; the next execution on that connection, by
/// whomever, breaks it ("unexpected backend message DataRow"). So a connection on which a statement failed forgets what it prepared.
/// </summary>
internal static class PreparedStatements
{
    /// <summary>Constraints and conflicts are found while a statement is executed, after its values were taken.</summary>
    public static bool MayBeWrongAfter(Exception exception) =>
        exception is PostgresException { SqlState: var state }
        && !state.StartsWith("23", StringComparison.Ordinal)
        && !state.StartsWith("40", StringComparison.Ordinal);

    /// <summary>Ends a transaction without commit, in one round trip, which also tells whether one of its statements failed.</summary>
    public static async Task RollBackAsync(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        try
        {
            await using var command = new NpgsqlCommand("SELECT 1; ROLLBACK", connection, transaction);
            await command.ExecuteNonQueryAsync();
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InFailedSqlTransaction)
        {
            await transaction.RollbackAsync();
            Drop(connection);
        }
        catch (NpgsqlException)
        {
            // The connection is broken, and the pool will not give it to anybody else.
        }
    }

    /// <summary>One blocking round trip: the driver has no other form of it.</summary>
    public static void Drop(NpgsqlConnection connection)
    {
        try
        {
            if (connection.State == ConnectionState.Open)
                connection.UnprepareAll();
        }
        catch (NpgsqlException)
        {
            // As above.
        }
    }
}
