using System.Reflection;
using System.Reflection.Emit;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Architecture;

/// <summary>Money and quantities are decimals, also in expressions without a variable.</summary>
public sealed class FloatingPointTests
{
    private static readonly (string Name, Assembly Assembly)[] Services =
    [
        ("Polaris.Billing", typeof(RatingEngine).Assembly),
        ("Polaris.Plans", typeof(Polaris.Plans.Domain.Charge).Assembly),
        ("Polaris.Ingestion", typeof(Polaris.Ingestion.Domain.IncomingEvent).Assembly),
    ];

    private const string Contracts = "Polaris.ServiceDefaults.Contracts";

    private static readonly Type[] ContractTypes =
    [
        .. typeof(MeterAggregation).Assembly.GetTypes().Where(type => type.Namespace == Contracts),
    ];

    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> ByValue = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(op => op.Value);

    [Fact]
    public void No_domain_knows_a_floating_point_number()
    {
        Assert.NotEmpty(FloatsIn(typeof(Sample)));
        Assert.NotEmpty(FloatsIn(typeof(HiddenSample)));
        foreach (var (name, assembly) in Services)
            Assert.Empty(assembly.GetTypes().Where(type => type.Namespace == $"{name}.Domain").SelectMany(FloatsIn));
        Assert.Empty(ContractTypes.SelectMany(FloatsIn));
    }

    private static IEnumerable<string> FloatsIn(Type type) =>
        MembersOf(type)
            .Where(used => IsFloat(used.Type))
            .Select(used => $"{type}.{used.Where}")
            .Concat(FloatingInstructionsIn(type))
            .Where(where => !where.Contains("<PrivateImplementationDetails>", StringComparison.Ordinal));

    /// <summary>Floating-point values outside of variables: constants, conversions, arguments and results of calls.</summary>
    private static IEnumerable<string> FloatingInstructionsIn(Type type)
    {
        foreach (var method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            if (method.GetMethodBody()?.GetILAsByteArray() is not { } code)
                continue;
            for (var at = 0; at < code.Length; )
            {
                var value = code[at] == 0xfe ? unchecked((short)(0xfe00 | code[at + 1])) : code[at];
                var op = ByValue[value];
                at += op.Size;
                if (
                    op == OpCodes.Ldc_R4
                    || op == OpCodes.Ldc_R8
                    || op == OpCodes.Conv_R4
                    || op == OpCodes.Conv_R8
                    || op == OpCodes.Conv_R_Un
                )
                    yield return $"{type}.{method.Name}: {op.Name}";
                if (
                    op.OperandType == OperandType.InlineMethod
                    && Called(method, BitConverter.ToInt32(code, at)) is { } called
                    && called
                        .GetParameters()
                        .Select(parameter => parameter.ParameterType)
                        .Append((called as MethodInfo)?.ReturnType ?? typeof(void))
                        .Any(IsFloat)
                )
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

    private static MethodBase? Called(MethodBase method, int token) =>
        method.Module.ResolveMethod(
            token,
            method.DeclaringType!.GetGenericArguments(),
            method.IsGenericMethod ? method.GetGenericArguments() : []
        );

    private static bool IsFloat(Type type) => type == typeof(double) || type == typeof(float) || type == typeof(Half);

    private static IEnumerable<(string Where, Type Type)> MembersOf(Type type)
    {
        foreach (var field in type.GetFields(All))
            yield return (field.Name, field.FieldType);
        foreach (var method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            if (method is MethodInfo { ReturnType: var returned })
                yield return (method.Name, returned);
            foreach (var parameter in method.GetParameters())
                yield return (method.Name, parameter.ParameterType);
            foreach (var local in method.GetMethodBody()?.LocalVariables ?? [])
                yield return (method.Name, local.LocalType);
        }
    }

    private static class HiddenSample
    {
        public static decimal Root(decimal value) => (decimal)Math.Sqrt((double)value);
    }

    private sealed class Sample
    {
        public double Price { get; set; }
    }
}
