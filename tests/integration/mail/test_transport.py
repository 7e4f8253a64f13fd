"""Mail goes out encrypted to a server that is who it says, and each refusal is told for what it is."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from growth_pipelines.errors import CredentialRefused, GrowthError, SettingsError, TransientError
from growth_pipelines.mail.messages import alarm_mail
from growth_pipelines.mail.transport import MailRefused, MailUnclear, ServerUnfit, deliver
from tests.drafts import NOW, settings_in

from .conftest import PASSWORD, MailServer


def _deliver(server: MailServer, home: Path, **more: str) -> None:
    settings = settings_in(home, **server.environment(**more))
    deliver(settings.smtp, alarm_mail(settings, "1", ["Söme <b>thing</b> failed"], NOW))


def test_a_message_arrives_as_text_and_html_for_all_recipients(mail_server: MailServer, tmp_path: Path) -> None:
    _deliver(mail_server, tmp_path)
    [message] = mail_server.taken
    assert message["Subject"] == "[growth] Söme <b>thing</b> failed"
    assert message["To"] == "ada@shop.example, bo@shop.example"
    text, html = (part.get_content() for part in message.iter_parts())
    assert "Söme <b>thing</b> failed" in text
    assert "Söme &lt;b&gt;thing" in html


def test_a_connection_is_encrypted_verified_and_logged_into(
    start_mail_server: Callable[..., MailServer],
    certificate: tuple[Path, ssl.SSLContext],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trusted, context = certificate
    server = start_mail_server(tls_context=context, require_starttls=True, log_in=True)
    log_in = {"GROWTH_SMTP__USERNAME": "growth", "GROWTH_SMTP__STARTTLS": "true"}
    with pytest.raises(ServerUnfit, match="no certificate to be trusted"):
        _deliver(server, tmp_path, GROWTH_SMTP__PASSWORD=PASSWORD, **log_in)
    assert server.log_ins == []
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with pytest.raises(CredentialRefused, match="refused the log-in"):
        _deliver(server, tmp_path, GROWTH_SMTP__PASSWORD="wrong", **log_in)
    _deliver(server, tmp_path, GROWTH_SMTP__PASSWORD=PASSWORD, **log_in)
    assert (len(server.taken), server.encrypted, set(server.log_ins)) == (1, [True], {"growth"})


def test_a_server_without_starttls_is_told_nothing(mail_server: MailServer, tmp_path: Path) -> None:
    with pytest.raises(ServerUnfit, match="can't do what is asked"):
        _deliver(mail_server, tmp_path, GROWTH_SMTP__STARTTLS="true")
    assert mail_server.encrypted == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("451 later", TransientError),
        ("554 spam", MailRefused),
        ("530 5.7.0 log in first", CredentialRefused),
        ("", MailUnclear),
    ],
)
def test_what_the_server_answers_is_told_for_what_it_is(
    mail_server: MailServer, tmp_path: Path, answer: str, error: type[GrowthError]
) -> None:
    mail_server.answers.append(answer)
    with pytest.raises(error):
        _deliver(mail_server, tmp_path)
    assert mail_server.taken == []


def test_a_server_that_is_away_may_come_back(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        away = MailServer(free.getsockname()[1])
    with pytest.raises(TransientError, match="can't be reached"):
        _deliver(away, tmp_path)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"GROWTH_SMTP__SENDER": ""}, "SENDER"),
        ({"GROWTH_SMTP__RECIPIENTS": ""}, "RECIPIENTS"),
        ({"GROWTH_SMTP__HOST": "mail.example", "GROWTH_SMTP__USERNAME": "growth"}, "in the clear"),
    ],
)
def test_settings_that_can_not_work_are_named(
    mail_server: MailServer, tmp_path: Path, changed: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsError, match=named):
        _deliver(mail_server, tmp_path, **changed)


def test_mails_lead_to_where_people_reach_the_console(tmp_path: Path) -> None:
    reached = settings_in(tmp_path, GROWTH_TELEGRAM__CONSOLE_URL="https://growth.shop.example/")
    for settings, address in (
        (reached, "https://growth.shop.example"),
        (settings_in(tmp_path), "http://127.0.0.1:"),
    ):
        message = alarm_mail(settings, "1", ["Something failed."], NOW)
        body = message.get_body(("plain",))
        assert body is not None
        assert address in body.get_content()
