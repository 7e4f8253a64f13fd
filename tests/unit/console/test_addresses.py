"""Addresses that come from outside lead nowhere but here."""

from __future__ import annotations

import pytest

from growth_pipelines.console.guard import allowed_hosts, host_name
from growth_pipelines.console.login_pages import safe_path
from growth_pipelines.settings import load_settings


@pytest.mark.parametrize("path", ["/", "/actions/abc", "/audit?before=3"])
def test_paths_of_the_console_are_followed(path: str):
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/a\r\nSet-Cookie: x", "", "/login"],
)
def test_other_addresses_become_the_start_page(path: str):
    assert safe_path(path) == "/"


@pytest.mark.parametrize(
    ("header", "name"),
    [("127.0.0.1:8800", "127.0.0.1"), ("LocalHost", "localhost"), ("[::1]:8800", "::1"), ("[::1", ""), ("", "")],
)
def test_the_host_is_read_without_port_and_brackets(header: str, name: str):
    assert host_name(header) == name


@pytest.mark.parametrize(
    ("host", "names", "reached_at"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("::1", "", "[::1]"),
        ("0.0.0.0", "", "127.0.0.1"),
        ("::", "growth.example", "growth.example"),
        ("192.168.1.5", "growth.example", "192.168.1.5"),
    ],
)
def test_the_address_that_is_printed_is_one_that_the_console_answers_to(
    host: str, names: str, reached_at: str
) -> None:
    settings = load_settings({"GROWTH_CONSOLE__HOST": host, "GROWTH_CONSOLE__ALLOWED_HOSTS": names})
    assert settings.console.reached_at == reached_at
    assert host_name(f"{reached_at}:8800") in allowed_hosts(settings)
