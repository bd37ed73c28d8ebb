using Grpc.Core;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Clock;

/// <summary>Whether an org is a sandbox, which Identity knows. Asked only when somebody sets a clock.</summary>
internal sealed class OrgKinds(Identity.V1.Identity.IdentityClient identity)
{
    private static readonly TimeSpan AtMost = TimeSpan.FromSeconds(5);

    /// <exception cref="RefusedException">Identity is unavailable.</exception>
    public async Task<bool> IsSandboxAsync(Guid org, CancellationToken ct)
    {
        try
        {
            var found = await identity.GetOrgAsync(
                new GetOrgRequest { OrgId = org.ToString() },
                deadline: (TimeProvider.System.GetUtcNow() + AtMost).UtcDateTime,
                cancellationToken: ct
            );
            return found.Sandbox;
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new RefusedException(
                new Refusal(RefusalKind.Unavailable, "identity_unavailable", "Orgs cannot be read at the moment. Try again.")
            );
        }
    }
}
