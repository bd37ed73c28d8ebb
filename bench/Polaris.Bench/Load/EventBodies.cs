using System.Globalization;
using System.Text;

namespace Polaris.Bench.Load;

/// <summary>
/// Request bodies with a fixed number of events whose keys are overwritten in place, so that generating load costs little.
/// </summary>
internal sealed class EventBodies
{
    public const int Customers = 100;
    private const int Digits = 12;

    private readonly byte[] body;
    private readonly int[] keyAt;

    /// <param name="prefix">Makes the keys of this run unique.</param>
    public EventBodies(string prefix, int count, DateTimeOffset now)
    {
        var at = now.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        var text = new StringBuilder();
        keyAt = new int[count];
        if (count > 1)
            text.Append('[');
        for (var i = 0; i < count; i++)
        {
            if (i > 0)
                text.Append(',');
            text.Append("{\"idempotency_key\":\"").Append(prefix).Append('-');
            keyAt[i] = text.Length;
            text.Append('0', Digits)
                .Append(
                    CultureInfo.InvariantCulture,
                    $"\",\"type\":\"api.call\",\"customer\":\"customer-{i % Customers}\",\"timestamp\":\"{at}\","
                );
            text.Append(CultureInfo.InvariantCulture, $"\"properties\":{{\"tokens\":{i % 97},\"region\":\"eu-west\"}}}}");
        }

        if (count > 1)
            text.Append(']');
        body = Encoding.ASCII.GetBytes(text.ToString());
    }

    public int Count => keyAt.Length;

    /// <summary>The body with the keys first, first + 1, …; the same buffer on every call.</summary>
    public ReadOnlyMemory<byte> From(long first)
    {
        for (var i = 0; i < keyAt.Length; i++)
        {
            var number = first + i;
            for (var digit = keyAt[i] + Digits - 1; digit >= keyAt[i]; digit--)
            {
                body[digit] = (byte)('0' + number % 10);
                number /= 10;
            }
        }

        return body;
    }
}
