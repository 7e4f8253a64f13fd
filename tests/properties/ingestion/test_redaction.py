"""Redaction changes customers' ids and landing pages and nothing else, however a text spells and nests them."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from growth_pipelines.ingestion.page_addresses import public_address
from growth_pipelines.ingestion.pseudonyms import Pseudonyms

GID = "gid://shopify/Customer/"
PIECES = [
    *(GID + number for number in ("", "1", "77", "9" * 30)),
    (GID + "5").replace("/", "\\/"),
    (GID + "6").replace("/", "\\\\\\/"),
    'data-c="gid://shopify/Customer/9">',
    '["gid://shopify/Customer/1","gid://shopify/Customer/2"]',
    *('"', "\\", '\\"', "?", "#", "\n", "\u2028", "\ud800", "é", "0", "/", " "),
    *('"landingPage":"', '"landing_page_path":"', "landingPage", '{"landingPage":"https://s/p?q=1"}'),
    *("https://s.example", "/en-us/account/", "/1/orders/", "/checkouts/cn/", "/products/a", "q=jane@x.com"),
]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=6).map("".join)
keys = st.sampled_from(["id", "landingPage", "landing_page_path", "landing", "value"]) | texts
documents = st.dictionaries(
    keys,
    st.recursive(
        st.none() | st.integers() | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)
spellings = st.fixed_dictionaries(
    {
        "ensure_ascii": st.just(True),
        "separators": st.sampled_from([(",", ":"), (", ", ": "), (",", " : ")]),
    }
)
CUSTOMER = re.compile(r"gid:(?:\\*/){2}shopify\\*/Customer\\*/([0-9]+)")


def expected(document: Any, pseudonyms: Pseudonyms, key: str = "") -> Any:
    if isinstance(document, dict):
        return {expected(name, pseudonyms): expected(value, pseudonyms, name) for name, value in document.items()}
    if isinstance(document, list):
        return [expected(value, pseudonyms) for value in document]
    if not isinstance(document, str):
        return document
    if key in ("landingPage", "landing_page_path"):
        document = public_address(document)
    return CUSTOMER.sub(lambda found: "customer:" + pseudonyms.customer_id(found[1]), document)


@settings(max_examples=400, deadline=None)
@given(st.lists(documents, min_size=1, max_size=4), spellings, st.booleans())
def test_lines_stay_valid_and_differ_by_ids_and_landing_pages_only(
    found: list[dict[str, Any]], spelling: dict[str, Any], escaped: bool
) -> None:
    texts = [json.dumps(document, **spelling) for document in found]
    lines = [(text.replace("/", "\\/") if escaped else text).encode() for text in texts]
    pseudonyms = Pseudonyms(b"k" * 32)
    redacted = pseudonyms.redact(b"\n".join(lines)).split(b"\n")
    assert redacted == [pseudonyms.redact(line) for line in lines]
    documents = [json.loads(line) for line in redacted]
    assert documents == [expected(document, Pseudonyms(b"k" * 32)) for document in found]
    assert not CUSTOMER.search(json.dumps(documents).replace("\\\\", "\\"))
