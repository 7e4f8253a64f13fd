"""Personal values that stand beside their key, as metaobjects and metafields hold them, are left out."""

from __future__ import annotations

from typing import Any

import pytest

from growth_pipelines.ingestion.pseudonyms import Pseudonyms


def entry(key: str, value: Any) -> dict[str, Any]:
    return {"key": key, "type": "single_line_text_field", "value": value}


@pytest.mark.parametrize("key", ["email", "First_Name", "phone-number", "city"])
def test_an_entry_with_a_personal_key_goes_and_its_neighbours_stay(key: str) -> None:
    title = entry("title", "Fitter of the month")
    scrubbed = Pseudonyms(b"k" * 32).scrub({"fields": [entry(key, "jane@x.com"), title], "one": entry(key, "j")})
    assert scrubbed == {"fields": [title]}


def test_a_label_and_a_handle_that_repeat_such_an_entry_go_with_it() -> None:
    pseudonyms = Pseudonyms(b"k" * 32)
    fields = [entry("email", "jane@x.com"), entry("title", "Fitter")]
    made_of_it = {"id": "1", "handle": "jane-x-com-2", "label": "jane@x.com", "fields": fields}
    assert pseudonyms.scrub(made_of_it) == {"id": "1", "fields": fields[1:]}
    other = {"id": "1", "handle": "fitter", "label": "Fitter", "fields": fields}
    assert pseudonyms.scrub(other) == {**other, "fields": fields[1:]}
    empty = {"id": "1", "handle": "fitter", "fields": [entry("email", None)]}
    assert pseudonyms.scrub(empty) == {"id": "1", "handle": "fitter", "fields": []}


def test_what_a_setting_keeps_stays() -> None:
    document = {"label": "jane@x.com", "fields": [entry("email", "jane@x.com")]}
    assert Pseudonyms(b"k" * 32, kept=["email"]).scrub(document) == document


def test_definitions_of_fields_are_no_values() -> None:
    definition = {"fieldDefinitions": [{"key": "email", "name": "E-mail", "required": True}]}
    assert Pseudonyms(b"k" * 32).scrub(definition) == definition
