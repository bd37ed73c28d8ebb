using Npgsql;

namespace Polaris.ServiceDefaults.Persistence;

/// <summary>
/// Binds SQL parameters by position, starting with <c>$1</c>. Each is typed, so values are not boxed and statements can be prepared.
/// </summary>
public static class SqlParameters
{
    /// <summary>Adds the next parameter; a null reference becomes NULL.</summary>
    /// <exception cref="Errors.RefusedException">The value is text that cannot be stored, see <see cref="StorableText"/>.</exception>
    public static NpgsqlCommand Bind<T>(this NpgsqlCommand command, T value)
    {
        ArgumentNullException.ThrowIfNull(command);
        // The JIT leaves this out for numbers, times and ids.
        if (!typeof(T).IsValueType)
            StorableText.Check(value);
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command;
    }

    /// <summary>Adds one column of rows as an array parameter, for <c>unnest</c>.</summary>
    public static NpgsqlCommand BindColumn<TRow, TValue>(this NpgsqlCommand command, IReadOnlyList<TRow> rows, Func<TRow, TValue> column)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(column);
        var values = new TValue[rows.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = column(rows[i]);
        return command.Bind(values);
    }
}
