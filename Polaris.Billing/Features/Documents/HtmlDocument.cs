using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Fluid;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Settings;

namespace Polaris.Billing.Features.Documents;

/// <summary>
/// An invoice as one HTML page: the template invoice.liquid, into which every value goes encoded. It refers to nothing outside itself; its
/// logo is within.
/// </summary>
internal static class HtmlDocument
{
    /// <summary>What a browser may do with the page: show it. No script runs, whatever got into it, and nothing is fetched.</summary>
    public const string ContentSecurityPolicy =
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly IFluidTemplate Template = new FluidParser().Parse(Resources.Text("invoice.liquid"));

    private static readonly TemplateOptions Options = CreateOptions();

    /// <summary>Encodes what HTML reads, and leaves every script readable.</summary>
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    /// <summary>
    /// Of a page that an org made: as of a place of its own, which sees nothing of whoever is signed in here.
    /// </summary>
    public const string OwnContentSecurityPolicy = ContentSecurityPolicy + "; sandbox";

    /// <summary>Characters of a page by an org's own template; a longer one is replaced by the built-in one.</summary>
    public const int MaxOwnLength = 8_000_000;

    /// <summary>Statements that an org's own template may execute for a page.</summary>
    public const int MaxOwnSteps = 500_000;

    /// <summary>
    /// By the org's own template where it has one, else, or when that one cannot be rendered for this invoice, by the built-in one: an
    /// invoice can always be seen.
    /// </summary>
    public static async Task<byte[]> RenderAsync(DocumentSource source)
    {
        if (source.Template is { } own && InvoiceTemplate.TryRead(own, out var template, out _))
        {
            try
            {
                await using var page = new BoundedWriter(MaxOwnLength);
                var bounded = ContextOf(source);
                bounded.MaxSteps = MaxOwnSteps;
                await template.RenderAsync(page, bounded, Encoder);
                return Encoding.UTF8.GetBytes(page.ToString());
            }
            catch (Exception exception) when (exception is InvalidOperationException or ArithmeticException or ArgumentException)
            {
                // Too many steps, too long a page, or a filter of what it cannot be of.
            }
        }

        return Encoding.UTF8.GetBytes(await Template.RenderAsync(ContextOf(source), Encoder));
    }

    private static TemplateContext ContextOf(DocumentSource source)
    {
        var context = new TemplateContext(Options);
        context.SetValue("doc", source.ToDocument());
        context.SetValue("seller", Sides.Of(source.Parties.Seller));
        context.SetValue("buyer", Sides.Of(source.Parties.Buyer));
        // Text that is null would count as there.
        if (source is { Logo: { } logo, LogoType: { } type })
            context.SetValue("logo", $"data:{type};base64,{Convert.ToBase64String(logo)}");
        return context;
    }

    private static TemplateOptions CreateOptions()
    {
        var options = new TemplateOptions { CultureInfo = CultureInfo.InvariantCulture };
        options.MemberAccessStrategy.MemberNameStrategy = MemberNameStrategies.CamelCase;
        options.MemberAccessStrategy.Register<InvoiceDocument>();
        options.MemberAccessStrategy.Register<InvoiceParties>();
        options.MemberAccessStrategy.Register<DocumentFact>();
        options.MemberAccessStrategy.Register<DocumentLine>();
        options.MemberAccessStrategy.Register<DocumentStep>();
        options.MemberAccessStrategy.Register<DocumentTotal>();
        options.MemberAccessStrategy.Register<Sides>();
        return options;
    }
}

/// <summary>Text that ends with an error when it becomes too long.</summary>
internal sealed class BoundedWriter(int most) : StringWriter(CultureInfo.InvariantCulture)
{
    public override void Write(char value)
    {
        Check(1);
        base.Write(value);
    }

    public override void Write(char[] buffer, int index, int count)
    {
        Check(count);
        base.Write(buffer, index, count);
    }

    public override void Write(ReadOnlySpan<char> buffer)
    {
        Check(buffer.Length);
        base.Write(buffer);
    }

    public override void Write(string? value)
    {
        Check(value?.Length ?? 0);
        base.Write(value);
    }

    private void Check(int more)
    {
        if (GetStringBuilder().Length + more > most)
            throw new InvalidOperationException($"The page is longer than {most} characters.");
    }
}

/// <summary>Seller or buyer, line by line; without what is not known.</summary>
public sealed record Sides(string Name, IReadOnlyList<string> Lines)
{
    public static Sides Of(Party party)
    {
        ArgumentNullException.ThrowIfNull(party);
        string?[] contact = [party.TaxId is { } tax ? $"Tax id: {tax}" : null, party.Email];
        return new Sides(party.Name ?? "", [.. party.Address?.Lines() ?? [], .. contact.OfType<string>()]);
    }
}

/// <summary>Files within the program.</summary>
internal static class Resources
{
    private static byte[] Bytes(string name)
    {
        using var stream =
            Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The program lacks its file '{name}'.");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    public static string Text(string name) => Encoding.UTF8.GetString(Bytes(name));
}
