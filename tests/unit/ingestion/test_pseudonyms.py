"""Personal data never reach a file: customers become keyed hashes, landing pages lose their query."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.settings import load_settings

KEYED = Pseudonyms(b"k" * 32)

RAW = (
    b'{"id":"gid://shopify/Order/1","customer":{"id":"gid://shopify/Customer/77"},'
    b'"customerJourneySummary":{"lastVisit":{"landingPage":"https://a.example/products/x?email=jo%40x.org#t"}}}'
)


def test_redacting_hides_customers_and_queries_and_nothing_else() -> None:
    pseudonyms = Pseudonyms(b"k" * 32)
    order = json.loads(pseudonyms.redact(RAW))
    assert order["id"] == "gid://shopify/Order/1"
    assert order["customer"]["id"] == "customer:" + pseudonyms.customer_id("77")
    assert order["customerJourneySummary"]["lastVisit"]["landingPage"] == "https://a.example/products/x"


def test_the_same_person_has_one_pseudonym_and_another_key_gives_another() -> None:
    one, two = Pseudonyms(b"a" * 32), Pseudonyms(b"b" * 32)
    assert one.customer_id("77") == one.customer_id("77") != two.customer_id("77")
    assert one.email(" Jo@X.org ") == one.email("jo@x.org")
    assert one.email("77") != one.customer_id("77")


def test_the_key_is_made_once_readable_by_its_owner_only_also_by_many_at_once(tmp_path: Path) -> None:
    settings = load_settings({"GROWTH_HOME": str(tmp_path)})
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Pseudonyms.of(settings).customer_id("1"), range(16)))
    assert len(set(made)) == 1
    key = tmp_path / "secrets" / "pseudonym.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert list(key.parent.iterdir()) == [key]


def test_an_emptied_key_file_stops_everything_instead_of_starting_new_pseudonyms(tmp_path: Path) -> None:
    settings = load_settings({"GROWTH_HOME": str(tmp_path)})
    Pseudonyms.of(settings)
    (tmp_path / "secrets" / "pseudonym.key").write_text("")
    with pytest.raises(GrowthError, match="no usable key"):
        Pseudonyms.of(settings)


def test_a_key_from_the_settings_needs_no_file(tmp_path: Path) -> None:
    settings = load_settings({"GROWTH_HOME": str(tmp_path), "GROWTH_PRIVACY__PSEUDONYM_KEY": "x" * 32})
    Pseudonyms.of(settings)
    assert not (tmp_path / "secrets").exists()


def gid(number: int) -> str:
    return f"gid://shopify/Customer/{number}"


def key(number: int) -> str:
    return "customer:" + KEYED.customer_id(str(number))


def plain(text: str) -> bytes:
    return text.encode()


def escaped(text: str) -> bytes:
    """As an encoder spells it that escapes slashes, which JSON allows."""
    return text.replace("/", "\\/").encode()


@pytest.mark.parametrize("spelled", [plain, escaped])
def test_a_customer_is_hidden_however_slashes_are_spelled(spelled: Callable[[str], bytes]) -> None:
    document = {"a": gid(1), "list": [gid(2), gid(1)], "order": "gid://shopify/Order/1"}
    redacted = KEYED.redact(spelled(json.dumps(document, separators=(",", ":"))))
    assert json.loads(redacted) == {"a": key(1), "list": [key(2), key(1)], "order": "gid://shopify/Order/1"}


@pytest.mark.parametrize("text", [gid(7), gid(7) + "\n", '"' + gid(7) + '"'])
def test_a_customer_at_the_end_of_a_block_is_hidden(text: str) -> None:
    redacted = KEYED.redact(text.encode())
    assert b"shopify/Customer" not in redacted
    assert redacted.strip(b'"\n').startswith(b"customer:")
    assert KEYED.redact(f'"{gid(7)}"'.encode()) == f'"{key(7)}"'.encode()


PAGE = "https://a.example/products/x"


@pytest.mark.parametrize("spelled", [plain, escaped])
@pytest.mark.parametrize("gap", [":", ": "])
@pytest.mark.parametrize(
    "tail",
    ["", "?", "#", "?email=jo%40x.org", "#jo", "?a=1#jo", "#jo?a=1", '?q="jo"&email=j', '#"', "?path=c:\\", "?\\"],
)
def test_a_landing_page_ends_before_its_query_and_fragment(
    tail: str, gap: str, spelled: Callable[[str], bytes]
) -> None:
    """Also where these hold quotes and backslashes, which JSON escapes."""
    document = {"landingPage": PAGE + tail, "customer": gid(3), "note": "is it? #1"}
    text = json.dumps(document, separators=(",", gap))
    redacted = KEYED.redact(spelled(text))
    assert json.loads(redacted) == {"landingPage": PAGE, "customer": key(3), "note": "is it? #1"}


# What orders may hold: also texts that look like what is hidden, and pages with all that JSON escapes.
texts = st.text(alphabet='ab/?#"\\ü\n:,{}', max_size=12)
leaves: st.SearchStrategy[Any] = st.one_of(st.none(), st.booleans(), st.integers(), texts)
orders = st.fixed_dictionaries(
    {"id": st.just("gid://shopify/Order/1"), "title": texts, "any": leaves},
    optional={
        "customer": st.one_of(st.none(), st.fixed_dictionaries({"id": st.integers(1, 99).map(gid)})),
        "landingPage": st.one_of(st.none(), texts),
        "visits": st.lists(st.fixed_dictionaries({"landingPage": texts}), max_size=2),
        "customers": st.lists(st.integers(1, 10**12).map(gid), max_size=3),
    },
)


def hidden(document: Any) -> Any:
    """The model: the same document with its customers and pages as they may be written."""
    if isinstance(document, list):
        return [hidden(value) for value in document]
    if isinstance(document, dict):
        return {
            name: value.partition("?")[0].partition("#")[0]
            if name == "landingPage" and isinstance(value, str)
            else hidden(value)
            for name, value in document.items()
        }
    if isinstance(document, str) and document.startswith("gid://shopify/Customer/"):
        return key(int(document.rpartition("/")[2]))
    return document


@given(st.lists(orders, max_size=6), st.sampled_from([":", ": "]), st.sampled_from([plain, escaped]))
def test_many_lines_at_once_are_redacted_as_one_by_one_and_nothing_else_changes(
    documents: list[Any], gap: str, spelled: Callable[[str], bytes]
) -> None:
    lines = [spelled(json.dumps(document, separators=(",", gap))) for document in documents]
    at_once = KEYED.redact(b"\n".join(lines))
    assert at_once == b"\n".join(KEYED.redact(line) for line in lines)
    assert [json.loads(line) for line in at_once.split(b"\n") if line] == [hidden(each) for each in documents]


PERSON = {
    "email": "jo@x.org",
    "defaultEmailAddress": {"emailAddress": "jo@x.org"},
    "phone": "1",
    "phone_number": "1",
    "firstName": "Jo",
    "last_name": "Li",
    "displayName": "Jo Li",
    "shippingAddress": {"address1": "Road 1"},
    "billing_address": {"zip": "1"},
    "city": "Bonn",
    "clientIp": "::1",
    "user_agent": "x",
    "abandonedCheckoutUrl": "https://x",
    "note": "call Jo",
    "customAttributes": [],
}


@pytest.mark.parametrize(
    ("kept", "left"),
    [
        ((), set()),
        (("email",), {"email", "defaultEmailAddress"}),
        (("name",), {"firstName", "last_name", "displayName"}),
        (("phone", "address"), {"phone", "phone_number", "shippingAddress", "billing_address", "city"}),
    ],
)
def test_scrubbing_removes_personal_keys_at_any_depth_and_keeps_what_is_asked_for(
    kept: tuple[str, ...], left: set[str]
) -> None:
    """In both spellings of names. Traces go whatever is asked for."""
    record = {"id": 1, **PERSON, "items": [[{"customer": {**PERSON, "country": "DE"}}]]}
    scrubbed = Pseudonyms(b"k" * 32, kept).scrub(record)
    person = {name: PERSON[name] for name in left}
    assert scrubbed == {"id": 1, **person, "items": [[{"customer": {**person, "country": "DE"}}]]}
    assert record["email"] == "jo@x.org", "what was given is left as it was"
