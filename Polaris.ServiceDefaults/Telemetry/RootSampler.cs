using System.Diagnostics;
using System.Globalization;
using OpenTelemetry.Trace;

namespace Polaris.ServiceDefaults.Telemetry;

/// <summary>
/// Decides which traces start. A client span without a parent (a statement, HTTP or gRPC call of a polling loop) starts none: there are
/// thousands and they belong to no work. Work that links to recorded spans is recorded, so that traces stay complete. Everything else is up
/// to <paramref name="others"/>. Child spans follow their root's decision (<see cref="ParentBasedSampler"/>).
/// </summary>
internal sealed class RootSampler(Sampler others) : Sampler
{
    /// <summary>
    /// The share of traces to record, from <c>OTEL_TRACES_SAMPLER</c> and <c>OTEL_TRACES_SAMPLER_ARG</c>; all by default.
    /// </summary>
    public static Sampler Create(string? sampler, string? argument) =>
        new ParentBasedSampler(
            new RootSampler(
                sampler switch
                {
                    "always_off" or "parentbased_always_off" => new AlwaysOffSampler(),
                    "traceidratio" or "parentbased_traceidratio" => new TraceIdRatioBasedSampler(
                        double.TryParse(argument, CultureInfo.InvariantCulture, out var ratio) && ratio is >= 0 and <= 1 ? ratio : 1
                    ),
                    _ => new AlwaysOnSampler(),
                }
            )
        );

    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        if (samplingParameters.Kind == ActivityKind.Client)
            return new SamplingResult(SamplingDecision.Drop);
        return samplingParameters.Links?.Any(link => link.Context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)) == true
            ? new SamplingResult(SamplingDecision.RecordAndSample)
            : others.ShouldSample(samplingParameters);
    }
}
