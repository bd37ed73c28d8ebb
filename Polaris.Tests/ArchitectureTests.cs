extern alias ingestion;
extern alias plans;

using System.Reflection;
using System.Reflection.Emit;
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

    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> ByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(op => op.Value);

    [Fact]
    public void No_domain_knows_a_floating_point_number()
    {
        Assert.NotEmpty(FloatsIn(typeof(Sample)));
        Assert.NotEmpty(FloatsIn(typeof(HiddenSample)));
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

    private static IEnumerable<string> FloatsIn(Type type) => MembersOf(type).Where(used => IsFloat(used.Type))
        .Select(used => $"{type}.{used.Where}").Concat(FloatingInstructionsIn(type)).Where(where => !where.Contains("<PrivateImplementationDetails>", StringComparison.Ordinal));

    /// <summary>Floating-point numbers that no variable holds: constants, conversions, and what is given to or comes from a call.</summary>
    private static IEnumerable<string> FloatingInstructionsIn(Type type)
    {
        foreach (var method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            if (method.GetMethodBody()?.GetILAsByteArray() is not { } code) continue;
            for (var at = 0; at < code.Length;)
            {
                var value = code[at] == 0xfe ? unchecked((short)(0xfe00 | code[at + 1])) : code[at];
                var op = ByValue[value];
                at += op.Size;
                if (op == OpCodes.Ldc_R4 || op == OpCodes.Ldc_R8 || op == OpCodes.Conv_R4 || op == OpCodes.Conv_R8 || op == OpCodes.Conv_R_Un) yield return $"{type}.{method.Name}: {op.Name}";
                if (op.OperandType == OperandType.InlineMethod && Called(method, BitConverter.ToInt32(code, at)) is { } called
                    && called.GetParameters().Select(parameter => parameter.ParameterType).Append((called as MethodInfo)?.ReturnType ?? typeof(void)).Any(IsFloat))
                    yield return $"{type}.{method.Name}: {called.DeclaringType}.{called.Name}";
                at += op.OperandType switch
                {
                    OperandType.InlineNone => 0,
                    OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                    OperandType.InlineVar => 2,
                    OperandType.InlineI8 or OperandType.InlineR => 8,
                    OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                    _ => 4,
                };
            }
        }
    }

    private static MethodBase? Called(MethodBase method, int token) => method.Module.ResolveMethod(
        token, method.DeclaringType!.GetGenericArguments(), method.IsGenericMethod ? method.GetGenericArguments() : []);

    private static bool IsFloat(Type type) => type == typeof(double) || type == typeof(float) || type == typeof(Half);

    private static IEnumerable<string> StrangersIn(Type type, string service) => MembersOf(type)
        .Where(used => used.Type.Assembly.GetName().Name is { } assembly && assembly != service && !assembly.StartsWith("System", StringComparison.Ordinal) && assembly is not "NodaTime" and not "netstandard")
        .Select(used => $"{type}.{used.Where}: {used.Type}");

    private static IEnumerable<(string Where, Type Type)> MembersOf(Type type)
    {
        foreach (var field in type.GetFields(All)) yield return (field.Name, field.FieldType);
        foreach (var method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            if (method is MethodInfo { ReturnType: var returned }) yield return (method.Name, returned);
            foreach (var parameter in method.GetParameters()) yield return (method.Name, parameter.ParameterType);
            foreach (var local in method.GetMethodBody()?.LocalVariables ?? []) yield return (method.Name, local.LocalType);
        }
    }

    private static class HiddenSample
    {
        public static decimal Root(decimal value) => (decimal)Math.Sqrt((double)value);
    }

    private sealed class Sample
    {
        public double Price { get; set; }

        public Npgsql.NpgsqlConnection? Connection { get; set; }
    }
}
