extern alias ingestion;
extern alias plans;

using System.Reflection;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests;

/// <summary>Rules that a compiler does not know.</summary>
public sealed class ArchitectureTests
{
    private static readonly (string Name, Assembly Assembly)[] Services =
    [
        ("Polaris.Billing", typeof(RatingEngine).Assembly), ("Polaris.Plans", typeof(plans::Polaris.Plans.Domain.Charge).Assembly),
        ("Polaris.Ingestion", typeof(ingestion::Polaris.Ingestion.Domain.IncomingEvent).Assembly),
    ];

    [Fact]
    public void No_domain_knows_a_floating_point_number()
    {
        Assert.NotEmpty(FloatsIn(typeof(Sample)));
        foreach (var (name, assembly) in Services)
            Assert.Empty(assembly.GetTypes().Where(type => type.Namespace == $"{name}.Domain").SelectMany(FloatsIn));
    }

    [Fact]
    public void A_domain_uses_the_base_library_and_NodaTime_only()
    {
        Assert.NotEmpty(StrangersIn(typeof(Sample), "Polaris.Tests"));
        foreach (var (name, assembly) in Services)
            Assert.Empty(assembly.GetTypes().Where(type => type.Namespace == $"{name}.Domain").SelectMany(type => StrangersIn(type, name)));
    }

    [Fact]
    public void No_service_references_another()
    {
        foreach (var (name, assembly) in Services)
            Assert.DoesNotContain(assembly.GetReferencedAssemblies(), other => other.Name!.StartsWith("Polaris.", StringComparison.Ordinal) && other.Name != "Polaris.ServiceDefaults" && other.Name != name);
    }

    private static IEnumerable<string> FloatsIn(Type type) => MembersOf(type).Where(used => used.Type == typeof(double) || used.Type == typeof(float) || used.Type == typeof(Half))
        // A Duration or TimeSpan tells its length as a number of seconds; nothing is priced with it.
        .Select(used => $"{type}.{used.Where}").Where(where => !where.Contains("<PrivateImplementationDetails>", StringComparison.Ordinal));

    private static IEnumerable<string> StrangersIn(Type type, string service) => MembersOf(type)
        .Where(used => used.Type.Assembly.GetName().Name is { } assembly && assembly != service && !assembly.StartsWith("System", StringComparison.Ordinal) && assembly is not "NodaTime" and not "netstandard")
        .Select(used => $"{type}.{used.Where}: {used.Type}");

    private static IEnumerable<(string Where, Type Type)> MembersOf(Type type)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (var field in type.GetFields(All)) yield return (field.Name, field.FieldType);
        foreach (var method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            if (method is MethodInfo { ReturnType: var returned }) yield return (method.Name, returned);
            foreach (var parameter in method.GetParameters()) yield return (method.Name, parameter.ParameterType);
            foreach (var local in method.GetMethodBody()?.LocalVariables ?? []) yield return (method.Name, local.LocalType);
        }
    }

    private sealed class Sample
    {
        public double Price { get; set; }

        public Npgsql.NpgsqlConnection? Connection { get; set; }
    }
}
