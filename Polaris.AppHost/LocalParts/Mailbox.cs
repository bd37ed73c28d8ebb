using System.Buffers;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using MimeKit;
using SmtpServer;
using SmtpServer.ComponentModel;
using SmtpServer.Mail;
using SmtpServer.Protocol;
using SmtpServer.Storage;

namespace Polaris.LocalParts;

/// <summary>
/// A mailbox for a developer's machine: takes whatever mail comes by SMTP on loopback, keeps the latest in memory and shows them on a page.
/// Nothing leaves the machine. Addresses that begin with <c>bounce</c> are refused, to see what that does.
/// </summary>
internal sealed class Mailbox : MessageStore, IMailboxFilter
{
    private const int Kept = 500;
    private const int MaxMessageBytes = 32 * 1024 * 1024;

    private readonly Lock gate = new();
    private readonly List<(int Number, byte[] Raw)> mails = [];
    private int last;

    public static async Task<int> RunAsync(int smtpPort, int pagePort)
    {
        if (Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") != "Development")
        {
            await Console.Error.WriteLineAsync(
                "The mailbox is for a developer's machine: it only runs with DOTNET_ENVIRONMENT=Development."
            );
            return 2;
        }

        var mailbox = new Mailbox();
        var services = new ServiceProvider();
        services.Add((IMessageStore)mailbox);
        services.Add((IMailboxFilter)mailbox);
        var options = new SmtpServerOptionsBuilder()
            .ServerName("mailbox")
            .MaxMessageSize(MaxMessageBytes, MaxMessageSizeHandling.Strict)
            .Endpoint(endpoint => endpoint.Endpoint(new IPEndPoint(IPAddress.Loopback, smtpPort)))
            .Build();
        using var end = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Stop(signal, end));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Stop(signal, end));
        var smtp = new SmtpServer.SmtpServer(options, services).StartAsync(end.Token);
        using var pages = new HttpListener();
        pages.Prefixes.Add(string.Create(CultureInfo.InvariantCulture, $"http://localhost:{pagePort}/"));
        pages.Prefixes.Add(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{pagePort}/"));
        pages.Start();
        await using var closing = end.Token.Register(pages.Stop);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"mail by SMTP at 127.0.0.1:{smtpPort}, to be read at :{pagePort}"));
        while (!end.IsCancellationRequested)
        {
            try
            {
                await mailbox.AnswerAsync(await pages.GetContextAsync());
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException or IOException)
            {
                // The browser has gone, or the process ends.
            }
        }

        await smtp;
        return 0;
    }

    public Task<bool> CanAcceptFromAsync(ISessionContext context, IMailbox @from, int size, CancellationToken cancellationToken) =>
        Task.FromResult(true);

    public Task<bool> CanDeliverToAsync(ISessionContext context, IMailbox to, IMailbox @from, CancellationToken token) =>
        Task.FromResult(!to.User.StartsWith("bounce", StringComparison.OrdinalIgnoreCase));

    public override Task<SmtpResponse> SaveAsync(
        ISessionContext context,
        IMessageTransaction transaction,
        ReadOnlySequence<byte> buffer,
        CancellationToken cancellationToken
    )
    {
        lock (gate)
        {
            mails.Add((++last, buffer.ToArray()));
            if (mails.Count > Kept)
                mails.RemoveAt(0);
        }

        return Task.FromResult(SmtpResponse.Ok);
    }

    private static void Stop(PosixSignalContext signal, CancellationTokenSource end)
    {
        signal.Cancel = true;
        end.Cancel();
    }

    /// <summary><c>/</c> lists, <c>/{n}</c> shows, <c>/{n}/html</c>, <c>/{n}/raw</c> and <c>/{n}/{attachment}</c> are its parts.</summary>
    private async Task AnswerAsync(HttpListenerContext context)
    {
        using var response = context.Response;
        // A mail's own page runs nothing and fetches nothing.
        response.Headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; img-src data:";
        var (type, content) = Find(context.Request.Url!.AbsolutePath.Trim('/').Split('/', 2));
        response.StatusCode = content is null ? 404 : 200;
        response.ContentType = type;
        await response.OutputStream.WriteAsync(content ?? "There is no such mail."u8.ToArray());
    }

    private (string Type, byte[]? Content) Find(string[] path)
    {
        (int Number, byte[] Raw)[] all;
        lock (gate)
            all = [.. mails];
        if (path is [""])
            return Html(List(all));
        if (
            !int.TryParse(path[0], CultureInfo.InvariantCulture, out var number)
            || all.FirstOrDefault(mail => mail.Number == number).Raw is not { } raw
        )
            return ("text/plain", null);
        using var stream = new MemoryStream(raw);
        var mail = MimeMessage.Load(stream);
        return path switch
        {
            [_] => Html(Show(number, mail)),
            [_, "html"] => Html(mail.HtmlBody ?? ""),
            [_, "raw"] => ("text/plain; charset=utf-8", raw),
            [_, var name] => ("application/octet-stream", Attachment(mail, Uri.UnescapeDataString(name))),
            _ => ("text/plain", null),
        };
    }

    private static byte[]? Attachment(MimeMessage mail, string name)
    {
        if (mail.Attachments.OfType<MimePart>().FirstOrDefault(part => part.FileName == name) is not { Content: { } content })
            return null;
        using var bytes = new MemoryStream();
        content.DecodeTo(bytes);
        return bytes.ToArray();
    }

    private static string List((int Number, byte[] Raw)[] all)
    {
        var rows = new StringBuilder();
        foreach (var (number, raw) in all.Reverse())
        {
            using var stream = new MemoryStream(raw);
            var mail = MimeMessage.Load(stream);
            rows.Append(
                $"<tr><td>{mail.Date:yyyy-MM-dd HH:mm:ss}</td><td>{Text(mail.To)}</td>"
                    + $"<td><a href=\"/{number}\">{Text(mail.Subject)}</a></td></tr>"
            );
        }

        return $"<h1>Mails</h1><table cellpadding=\"6\">{(rows.Length == 0 ? "<tr><td>None yet.</td></tr>" : rows)}</table>";
    }

    private static string Show(int number, MimeMessage mail)
    {
        var attachments = string.Concat(
            mail.Attachments.OfType<MimePart>()
                .Select(part => $"<li><a href=\"/{number}/{Uri.EscapeDataString(part.FileName ?? "")}\">{Text(part.FileName)}</a></li>")
        );
        return $"""
            <p><a href="/">All mails</a> <a href="/{number}/raw">Source</a></p>
            <h1>{Text(mail.Subject)}</h1><p>From {Text(mail.From)} to {Text(mail.To)}</p><ul>{attachments}</ul>
            <iframe src="/{number}/html" sandbox style="width:100%;height:480px;border:1px solid #ccc"></iframe>
            <pre>{Text(mail.TextBody)}</pre>
            """;
    }

    private static string Text(object? value) => HtmlEncoder.Default.Encode($"{value}");

    private static (string Type, byte[] Content) Html(string body) =>
        (
            "text/html; charset=utf-8",
            Encoding.UTF8.GetBytes($"<!doctype html><meta charset=\"utf-8\"><body style=\"font-family:system-ui;margin:24px\">{body}")
        );
}
