"""Canonical JSON: the same value gives the same text, whatever its order or container."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.canonical import canonical_json, digest

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=6), _JSON, max_size=6))
def test_key_order_never_matters_and_nothing_is_lost(value: dict) -> None:
    reordered = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(reordered)
    assert json.loads(canonical_json(value)) == value


def test_known_digest() -> None:
    # printf '{"a":1,"b":"é"}' | sha256sum
    assert canonical_json({"b": "é", "a": 1}) == '{"a":1,"b":"é"}'
    assert digest({"b": "é", "a": 1}) == "09ad9fd2fb648cb2f62141215828ea00a62c299db05d20aa9ade2f527a301cc6"


def test_typed_values_have_one_form() -> None:
    assert canonical_json({"d": Decimal("1.50"), "t": datetime(2026, 1, 2, tzinfo=UTC)}) == (
        '{"d":"1.50","t":"2026-01-02T00:00:00+00:00"}'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": float("nan")}])
def test_nan_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)


def test_unknown_types_are_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        canonical_json(object())
