using NodaTime;
using Polaris.ServiceDefaults.Contracts;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features;

/// <summary>
/// The bounds of every date that a caller names: <see cref="Limits.Earliest"/> to <see cref="Limits.Latest"/>. They bound the periods that
/// can be due, and keep arithmetic with dates within what the database can store.
/// </summary>
internal static class StatedDates
{
    private static readonly Instant Earliest = Instant.FromDateTimeOffset(Limits.Earliest);
    private static readonly Instant Latest = Instant.FromDateTimeOffset(Limits.Latest);

    /// <param name="path">Path of the input, such as <c>input[0].start</c>.</param>
    /// <param name="date">The date.</param>
    /// <exception cref="RefusedException">The date is out of bounds.</exception>
    public static void Check(string path, Instant date)
    {
        if (date < Earliest || date > Latest)
            throw new RefusedException(
                Refusal.Invalid(
                    path,
                    "out_of_range",
                    $"'{path[(path.LastIndexOf('.') + 1)..]}' must be from {Earliest.InUtc().Date:uuuu-MM-dd} "
                        + $"to {Latest.InUtc().Date:uuuu-MM-dd}."
                )
            );
    }
}
