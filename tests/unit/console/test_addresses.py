"""Addresses that come from outside lead nowhere but here."""

from __future__ import annotations

import pytest

from growth_pipelines.console.guard import host_name
from growth_pipelines.console.pages import safe_path


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
