"""One message to the mail server: encrypted, its certificate verified, and each failure told for what it is."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP

from growth_pipelines.errors import CredentialRefused, GrowthError, SettingsError, TransientError
from growth_pipelines.settings import SmtpSettings

_SECONDS = 30
_TLS_PORT = 465
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class MailRefused(GrowthError):
    """The server will not take this message, now or later (5xx)."""


class ServerUnfit(GrowthError):
    """As things are set, nothing is said to this server: its certificate is not trusted, or it can't encrypt."""


class MailUnclear(GrowthError):
    """The connection broke after the message was handed over: whether it was taken nobody knows."""


# What is no fault of the message: it is kept, and sent when server and settings are in order again.
KEPT = (TransientError, CredentialRefused, ServerUnfit, SettingsError)
# Said when it wants a log-in, or another one (RFC 4954, section 6).
_LOG_IN_CODES = (530, 534, 535, 538)


def check(smtp: SmtpSettings) -> None:
    """Raise SettingsError unless mail can be tried with these settings."""
    if not smtp.host:
        raise SettingsError("There is no mail: GROWTH_SMTP__HOST is not set.", "Set it to your mail server.")
    if not smtp.sender:
        raise SettingsError("GROWTH_SMTP__SENDER is not set.", "Set it to the address that mail comes from.")
    if not smtp.recipients:
        raise SettingsError("GROWTH_SMTP__RECIPIENTS is empty.", "Set it to who gets the digest.")
    encrypted = smtp.starttls or smtp.port == _TLS_PORT
    if smtp.username and not encrypted and smtp.host not in _LOOPBACK:
        raise SettingsError(
            "The mail server's password would be sent in the clear.", "Leave GROWTH_SMTP__STARTTLS on."
        )


def deliver(smtp: SmtpSettings, message: EmailMessage) -> None:
    """Hand the message over. Raises one of KEPT (later, or once mended), MailRefused or MailUnclear."""
    check(smtp)
    where = f"The mail server {smtp.host}:{smtp.port}"
    try:
        with _connected(smtp) as server:
            _log_in(smtp, server)
            _hand_over(server, message, where)
    except smtplib.SMTPNotSupportedError as error:
        raise ServerUnfit(f"{where} can't do what is asked: {error}.", "See GROWTH_SMTP__STARTTLS.") from error
    except ssl.SSLCertVerificationError as error:
        raise ServerUnfit(
            f"{where} has no certificate to be trusted: {error.verify_message}.", "Check GROWTH_SMTP__HOST."
        ) from error
    except smtplib.SMTPAuthenticationError as error:
        if _passes(error.smtp_code):
            raise TransientError(f"{where} can't log anyone in now ({error.smtp_code}).") from error
        raise _log_in_refused(where, error.smtp_code) from error
    except smtplib.SMTPResponseException as error:
        raise _answered(where, error.smtp_code, error.smtp_error) from error
    except (OSError, smtplib.SMTPException) as error:
        raise TransientError(
            f"{where} can't be reached: {error}.", "Check GROWTH_SMTP__HOST and __PORT."
        ) from error


def _connected(smtp: SmtpSettings) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if smtp.port == _TLS_PORT:
        return smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=_SECONDS, context=context)
    server = smtplib.SMTP(smtp.host, smtp.port, timeout=_SECONDS)
    try:
        if smtp.starttls:
            server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _log_in(smtp: SmtpSettings, server: smtplib.SMTP) -> None:
    if smtp.username:
        server.login(smtp.username, smtp.password.get_secret_value())


def _hand_over(server: smtplib.SMTP, message: EmailMessage, where: str) -> None:
    """The steps of ``sendmail`` one by one: only from the last one on it is unclear what a broken line means."""
    server.ehlo_or_helo_if_needed()
    answers = [server.mail(str(message["From"]))]
    answers += [server.rcpt(address.strip()) for address in str(message["To"]).split(",")]
    for code, said in answers:
        if code >= 400:
            raise _answered(where, code, said)
    try:
        code, said = server.data(message.as_bytes(policy=SMTP))
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise MailUnclear(f"{where} broke off after the message was sent.", "Look into the mailbox.") from error
    if code != 250:
        raise _answered(where, code, said)


def _answered(where: str, code: int, said: bytes | str) -> GrowthError:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    answer = f"{where} answered {code} {' '.join(words.split())[:200]}"
    if _passes(code):
        return TransientError(f"{answer}.")
    if code in _LOG_IN_CODES:
        return _log_in_refused(where, code)
    return MailRefused(f"{answer}.", "Check GROWTH_SMTP__SENDER and __RECIPIENTS.")


def _log_in_refused(where: str, code: int) -> CredentialRefused:
    return CredentialRefused(
        f"{where} refused the log-in ({code}).", "Check GROWTH_SMTP__USERNAME and __PASSWORD."
    )


def _passes(code: int) -> bool:
    return 400 <= code < 500
