namespace Polaris.Identity.Features.Mail;

/// <summary>
/// Whether whoever causes a mail with a token gets the token as well. It proves that a person reads an address only while nobody else has
/// it, so an installation leaves this off; a local run, whose mail ends in a mailbox on the same machine, is easier to try with it.
/// </summary>
internal sealed class TokenAnswers
{
    public const string Section = "TokenAnswers";

    public bool Enabled { get; set; }

    /// <summary>The token for the caller, or null: it comes by mail alone.</summary>
    public string? Of(string token) => Enabled ? token : null;
}
