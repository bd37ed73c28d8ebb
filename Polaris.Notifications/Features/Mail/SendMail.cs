using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;
using Polaris.Notifications.Features.Sending;

namespace Polaris.Notifications.Features.Mail;

/// <summary>Sends the mails of an org's turn, one after another, over one connection.</summary>
internal sealed class SendMail(WriteMail write, IOptions<SmtpOptions> options)
{
    /// <summary>Of one exchange with the server.</summary>
    private const int TimeoutMilliseconds = 20_000;

    public bool IsConfigured => options.Value.Host.Length > 0;

    /// <summary>A connection for several mails; open only while a turn lasts.</summary>
    public Session Open() => new(write, options.Value);

    internal sealed class Session(WriteMail write, SmtpOptions options) : IDisposable
    {
        private readonly SmtpClient client = new() { Timeout = TimeoutMilliseconds };

        public async Task<Outcome> HandleAsync(Sendable delivery, CancellationToken ct)
        {
            using var message = await write.HandleAsync(delivery, ct);
            if (message is null)
                return new Outcome("There is nobody to send it to.", Final: true, OfReceiver: false);
            try
            {
                if (!client.IsConnected)
                    await ConnectAsync(ct);
                return new Outcome(null, 250, Outcome.Storable(await client.SendAsync(message, ct)));
            }
            catch (SmtpCommandException refused)
            {
                // 5xx to a recipient is a hard bounce; to a message, a refusal of it. Anything else may be over the next time.
                var status = (int)refused.StatusCode;
                return new Outcome(
                    Outcome.Storable($"{status} {refused.Message}"),
                    status,
                    Final: status >= 500 && refused.ErrorCode is SmtpErrorCode.RecipientNotAccepted or SmtpErrorCode.MessageNotAccepted,
                    OfReceiver: false,
                    Bounced: status >= 500 && refused.ErrorCode == SmtpErrorCode.RecipientNotAccepted
                );
            }
            catch (Exception exception)
                when (exception
                        is IOException
                            or System.Net.Sockets.SocketException
                            or ProtocolException
                            or ServiceNotConnectedException
                            or ServiceNotAuthenticatedException
                            or AuthenticationException
                            or SslHandshakeException
                            or TimeoutException
                    || (exception is OperationCanceledException && !ct.IsCancellationRequested)
                )
            {
                return new Outcome(Outcome.Storable(exception.Message));
            }
        }

        public void Dispose() => client.Dispose();

        private async Task ConnectAsync(CancellationToken ct)
        {
            var security =
                !options.RequireTls ? SecureSocketOptions.StartTlsWhenAvailable
                : options.Port == 465 ? SecureSocketOptions.SslOnConnect
                : SecureSocketOptions.StartTls;
            await client.ConnectAsync(options.Host, options.Port, security, ct);
            if (options.User.Length > 0)
                await client.AuthenticateAsync(options.User, options.Password, ct);
        }
    }
}
