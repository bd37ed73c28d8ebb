using System.Text;

namespace Polaris.ServiceDefaults.Contracts;

/// <summary>Assigns events to partitions. Stored data depends on it: a change would break the order of a customer's events.</summary>
public static class Partitioning
{
    /// <summary>FNV-1a (32 bits) over the org's 16 bytes and the customer's UTF-8, modulo the number of partitions.</summary>
    /// <param name="org">The org.</param>
    /// <param name="customer">The customer's key, at most <see cref="Limits.MaxTextLength"/> characters.</param>
    /// <param name="partitions">The number of partitions; <see cref="Topics.UsagePartitions"/> in an installation.</param>
    public static int Of(Guid org, string customer, int partitions)
    {
        Span<byte> bytes = stackalloc byte[16 + Limits.MaxTextLength * 3];
        org.TryWriteBytes(bytes, bigEndian: true, out _);
        var length = 16 + Encoding.UTF8.GetBytes(customer, bytes[16..]);
        var hash = 2166136261u;
        foreach (var octet in bytes[..length])
            hash = unchecked((hash ^ octet) * 16777619u);
        return (int)(hash % (uint)partitions);
    }
}
