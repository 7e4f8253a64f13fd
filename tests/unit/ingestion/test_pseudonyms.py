"""Personal data never reach a file: customers become keyed hashes, landing pages lose their query."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.settings import load_settings

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
