using GraphQL;
using GraphQL.DataLoader;
using Microsoft.Extensions.DependencyInjection;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// What many objects of one level of an answer ask for, loaded by one call. The library runs all fields that are at hand before it asks the
/// first <see cref="IDataLoaderResult"/> for its value, so that by then every object has named its key.
/// </summary>
/// <param name="load">Values of the given keys; a key without one is answered by null.</param>
public sealed class Batch<TKey, TValue>(Func<IReadOnlyList<TKey>, CancellationToken, Task<IReadOnlyDictionary<TKey, TValue>>> load)
    where TKey : notnull
{
    private readonly Dictionary<TKey, Task<IReadOnlyDictionary<TKey, TValue>>?> asked = [];

    /// <param name="key">What the object asks for.</param>
    /// <param name="select">The field's value; null for what was not found. It may refuse.</param>
    public IDataLoaderResult<TResult?> Load<TResult>(TKey key, Func<TValue, TResult?> select)
    {
        asked.TryAdd(key, null);
        return new Result<TResult>(this, key, select);
    }

    private Task<IReadOnlyDictionary<TKey, TValue>> LoadAsync(TKey key, CancellationToken ct)
    {
        if (asked[key] is { } loaded)
            return loaded;
        TKey[] waiting = [.. asked.Where(pair => pair.Value is null).Select(pair => pair.Key)];
        var task = load(waiting, ct);
        foreach (var one in waiting)
            asked[one] = task;
        return task;
    }

    private sealed class Result<TResult>(Batch<TKey, TValue> batch, TKey key, Func<TValue, TResult?> select) : IDataLoaderResult<TResult?>
    {
        public async Task<TResult?> GetResultAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                return (await batch.LoadAsync(key, cancellationToken)).TryGetValue(key, out var value) ? select(value) : default;
            }
            catch (Exception exception) when (RefusalMapping.TryGetRefusal(exception, out var refusal))
            {
                throw RefusalErrors.Of(refusal);
            }
        }

        async Task<object?> IDataLoaderResult.GetResultAsync(CancellationToken cancellationToken) =>
            await GetResultAsync(cancellationToken);
    }
}

/// <summary>The batches of a request.</summary>
public sealed class Batches
{
    private readonly Dictionary<object, object> batches = [];

    /// <param name="name">The field and its arguments: objects that ask for the same share a batch.</param>
    /// <param name="load">See <see cref="Batch{TKey, TValue}"/>; used for the first object.</param>
    public Batch<TKey, TValue> Of<TKey, TValue>(
        object name,
        Func<IReadOnlyList<TKey>, CancellationToken, Task<IReadOnlyDictionary<TKey, TValue>>> load
    )
        where TKey : notnull
    {
        if (!batches.TryGetValue(name, out var batch))
            batches.Add(name, batch = new Batch<TKey, TValue>(load));
        return (Batch<TKey, TValue>)batch;
    }
}

public static class BatchesExtensions
{
    public static T Service<T>(this IResolveFieldContext context)
        where T : notnull
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.RequestServices!.GetRequiredService<T>();
    }
}
