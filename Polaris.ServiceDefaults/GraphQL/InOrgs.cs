using GraphQL;
using GraphQL.DataLoader;
using Microsoft.Extensions.DependencyInjection;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>An object of the graph that belongs to an org which the caller was verified in; its fields' scopes are checked there.</summary>
public interface IInOrg
{
    AccessInOrg Access { get; }
}

/// <summary>
/// Runs use cases in other orgs than the token's, each in a scope of its own: those that read one org as they are, under that org's tenant
/// scope; batches in the scope of several orgs. Every org is verified by <see cref="OrgAccess"/> first.
/// </summary>
public sealed class InOrgs(OrgAccess access, TenantScope own, IServiceProvider request, IServiceScopeFactory scopes)
{
    /// <summary>A use case of one org that a root field names, or of the token's.</summary>
    /// <exception cref="Errors.RefusedException">The caller is not in the org, or does not hold the scope there.</exception>
    public async Task<TResult> RunAsync<TService, TResult>(
        Guid? org,
        string scope,
        Func<TService, Guid, Task<TResult>> run,
        CancellationToken ct
    )
        where TService : notnull
    {
        ArgumentNullException.ThrowIfNull(run);
        if (org is not { } named || named == own.OrgId)
            return await run(request.GetRequiredService<TService>(), own.RequireOrg());
        await access.RequireAsync(named, scope, ct);
        await using var other = scopes.CreateAsyncScope();
        other.ServiceProvider.GetRequiredService<TenantScope>().EnterOrg(named);
        return await run(other.ServiceProvider.GetRequiredService<TService>(), named);
    }

    /// <summary>A use case that reads those of the orgs in which the caller may read.</summary>
    public async Task<TResult> ReadAsync<TService, TResult>(
        IEnumerable<Guid> orgs,
        Func<TService, IReadOnlyList<Guid>, Task<TResult>> run,
        CancellationToken ct
    )
        where TService : notnull
    {
        ArgumentNullException.ThrowIfNull(run);
        Guid[] verified =
        [
            .. (await access.OfAsync(orgs, ct))
                .Values.Where(one => AccessInOrg.Holds(one.Scopes, Scopes.Read))
                .Select(one => one.OrgId)
                .Order(),
        ];
        await using var several = scopes.CreateAsyncScope();
        several.ServiceProvider.GetRequiredService<TenantScope>().EnterOrgs(verified);
        return await run(several.ServiceProvider.GetRequiredService<TService>(), verified);
    }
}

public static class InOrgsExtensions
{
    /// <summary>The reference resolver of an entity that is no more than its org: null unless the caller is in it.</summary>
    public static IDataLoaderResult<TEntity?> OrgEntity<TEntity>(
        this IResolveFieldContext context,
        Guid id,
        Func<AccessInOrg, TEntity> entity
    )
        where TEntity : class =>
        context
            .Service<Batches>()
            .Of<Guid, AccessInOrg>(typeof(TEntity), async (ids, ct) => await context.Service<OrgAccess>().OfAsync(ids, ct))
            .Load(id, entity);

    /// <summary>
    /// A field of many objects, by one call of a use case in the scope of their orgs. Keys of orgs that the caller is not in find nothing.
    /// </summary>
    /// <param name="context">The field.</param>
    /// <param name="name">The field's name and arguments.</param>
    /// <param name="key">What this object asks for.</param>
    /// <param name="org">The org of a key.</param>
    /// <param name="read">The use case, with the keys of verified orgs.</param>
    /// <param name="select">The field's value.</param>
    public static IDataLoaderResult<TResult?> LoadInOrgs<TService, TKey, TValue, TResult>(
        this IResolveFieldContext context,
        object name,
        TKey key,
        Func<TKey, Guid> org,
        Func<TService, IReadOnlyList<TKey>, CancellationToken, Task<IReadOnlyDictionary<TKey, TValue>>> read,
        Func<TValue, TResult?> select
    )
        where TService : notnull
        where TKey : notnull =>
        context
            .Service<Batches>()
            .Of<TKey, TValue>(
                name,
                (keys, ct) =>
                    context
                        .Service<InOrgs>()
                        .ReadAsync<TService, IReadOnlyDictionary<TKey, TValue>>(
                            keys.Select(org),
                            (service, orgs) => read(service, [.. keys.Where(one => orgs.Contains(org(one)))], ct),
                            ct
                        )
            )
            .Load(key, select);
}
