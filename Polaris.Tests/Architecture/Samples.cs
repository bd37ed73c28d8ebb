#pragma warning disable CA1852, CA1823, IDE0051, IDE0052 // Types that depend on each other, each breaking a rule.
using Npgsql;
using Polaris.Billing.Domain;

namespace Polaris.Tests.Architecture.Sample.Domain
{
    internal sealed class KnowsADatabase
    {
        public static bool IsOpen(NpgsqlConnection connection) => connection.State == System.Data.ConnectionState.Open;
    }
}

namespace Polaris.Tests.Architecture.Sample.Persistence
{
    internal sealed class KnowsAFeature
    {
        public static object Make() => new Features.Left.KnowsRight();
    }

    internal sealed class KnowsGraphQL
    {
        public GraphQL.Query? Query { get; set; }
    }
}

namespace Polaris.Tests.Architecture.Sample.Features
{
    internal sealed class SharedKnowsAFeature
    {
        public static object Make() => new Left.KnowsRight();
    }
}

namespace Polaris.Tests.Architecture.Sample.Features.Left
{
    internal sealed class KnowsRight
    {
        public static object Make() => new Right.KnowsLeft();
    }

    internal sealed class KnowsGraphQL
    {
        public GraphQL.Query? Query { get; set; }
    }

    internal sealed class KnowsAnotherService
    {
        public RatedInvoice? Invoice { get; set; }
    }
}

namespace Polaris.Tests.Architecture.Sample.Features.Right
{
    internal sealed class KnowsLeft
    {
        public static async Task<object> MakeAsync()
        {
            await Task.Yield();
            return new Left.KnowsRight();
        }
    }
}

namespace Polaris.Tests.Architecture.Sample.GraphQL
{
    internal sealed class Query;
}
