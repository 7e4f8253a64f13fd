"""What is kept of a visited page's address, wherever it comes from, before it is written anywhere."""

from __future__ import annotations

import json

import pytest

from growth_pipelines.ingestion.page_addresses import public_address
from growth_pipelines.ingestion.pseudonyms import Pseudonyms

ADDRESSES = [
    ("https://s.example/p?email=jane%40x.com#t", "https://s.example/p"),
    ("/p#/jane@x.com", "/p"),
    ("/p#a?b", "/p"),
    ('https://s.example/p?q="a"&b', "https://s.example/p"),
    ("https://s.example/account/reset/1/secret", "https://s.example/account"),
    ("https://s.example/en-us/account/activate/1/secret", "https://s.example/en-us/account"),
    ("/5512/orders/9f86d0", "/5512/orders"),
    ("/5512/checkouts/9f86d0/thank_you", "/5512/checkouts"),
    ("/checkouts/cn/Z2NwLX?key=1", "/checkouts"),
    ("/cart/c/Z2NwLX", "/cart"),
    ("https://s.example/products/an-fitting", "https://s.example/products/an-fitting"),
    ("/pages/account/team", "/pages/account/team"),
    ('/products/5"-pipe', '/products/5"-pipe'),
    ("", ""),
]


@pytest.mark.parametrize(("address", "kept"), ADDRESSES)
@pytest.mark.parametrize("key", ["landingPage", "landing_page_path"])
def test_neither_queries_nor_tokens_are_kept(address: str, kept: str, key: str) -> None:
    assert public_address(address) == kept
    for separators in ((",", ":"), (", ", ": ")):
        line = json.dumps({key: address, "after": 1}, separators=separators).encode()
        assert json.loads(Pseudonyms(b"k" * 32).redact(line)) == {key: kept, "after": 1}


def test_other_addresses_are_left_alone() -> None:
    line = b'{"landing":"/p?x=1","url":"/p?x=1","landingPage":null,"landingPageTitle":"a?b"}'
    assert Pseudonyms(b"k" * 32).redact(line) == line
