"""A real mail server on loopback that does as it is told: with TLS and log-in, full, refusing, breaking off."""

from __future__ import annotations

import email
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

PASSWORD = "horse battery"


@dataclass
class MailServer:
    """``answers`` are given to the next messages instead of taking them; ``""`` breaks the connection off."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    log_ins: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.encrypted.append(session.ssl is not None)
        if self.answers:
            answer = self.answers.pop(0)
            if not answer:
                server.transport.abort()
            return answer or "250 never read"
        self.taken.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 taken"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.log_ins.append(data.login.decode())
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "GROWTH_SMTP__HOST": "127.0.0.1",
            "GROWTH_SMTP__PORT": str(self.port),
            "GROWTH_SMTP__STARTTLS": "false",
            "GROWTH_SMTP__SENDER": "growth@shop.example",
            "GROWTH_SMTP__RECIPIENTS": "ada@shop.example, bo@shop.example",
            **more,
        }


@pytest.fixture
def start_mail_server() -> Iterator[Callable[..., MailServer]]:
    started: list[Controller] = []

    def start(**options: Any) -> MailServer:
        server = MailServer()
        if options.pop("log_in", False):
            options |= {"authenticator": server.authenticate, "auth_required": True}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            server.port = free.getsockname()[1]
        controller = Controller(server, hostname="127.0.0.1", port=server.port, **options)
        controller.start()
        started.append(controller)
        return server

    yield start
    for controller in started:
        controller.stop()


@pytest.fixture
def mail_server(start_mail_server: Callable[..., MailServer]) -> MailServer:
    """One that takes what it gets."""
    return start_mail_server()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 as a file, and the server's context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    file, private = tmp_path / "certificate.pem", tmp_path / "private.pem"
    file.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, private)
    return file, context
