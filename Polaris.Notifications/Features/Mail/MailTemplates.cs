using System.Reflection;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Fluid;

namespace Polaris.Notifications.Features.Mail;

/// <summary>A mail as HTML and as text, from the templates beside this file. Every value goes into HTML encoded.</summary>
internal static class MailTemplates
{
    private static readonly IFluidTemplate Html = Parse("mail.html.liquid");
    private static readonly IFluidTemplate Text = Parse("mail.txt.liquid");
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);
    private static readonly TemplateOptions Options = CreateOptions();

    public static async Task<(string Html, string Text)> RenderAsync(MailContent mail, string org, string? unsubscribe, string? page)
    {
        var context = new TemplateContext(Options);
        context.SetValue("mail", mail);
        context.SetValue("org", org);
        // Text that is null would count as there.
        if (unsubscribe is not null)
            context.SetValue("unsubscribe", unsubscribe);
        if (page is not null)
            context.SetValue("page", page);
        return (await Html.RenderAsync(context, Encoder), await Text.RenderAsync(context, NullEncoder.Default));
    }

    private static TemplateOptions CreateOptions()
    {
        var options = new TemplateOptions();
        options.MemberAccessStrategy.MemberNameStrategy = MemberNameStrategies.CamelCase;
        options.MemberAccessStrategy.Register<MailContent>();
        options.MemberAccessStrategy.Register<MailFact>();
        options.MemberAccessStrategy.Register<MailPage>();
        return options;
    }

    private static IFluidTemplate Parse(string name)
    {
        using var stream =
            Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The program lacks its file '{name}'.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return new FluidParser().Parse(reader.ReadToEnd());
    }
}
