"""JSON in the store is read back as what was written, to the last bit of a number: digests are taken of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from growth_pipelines.canonical import canonical_json
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Flag

NUMBERS = some.integers(-(2**80), 2**80) | some.floats(allow_nan=False, allow_infinity=False)
# PostgreSQL's JSON holds no NUL.
TEXTS = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = some.recursive(
    some.none() | some.booleans() | NUMBERS | TEXTS,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(value=VALUES)
@example(value=[0.1 + 0.2, -0.0, 5e-324, 1.7976931348623157e308, 2**53 + 1])
@example(value={"é ": "\u2028", "": [[], {}]})
def test_what_is_written_is_what_is_read(store: Store, value: Any) -> None:
    with store.session() as session:
        session.merge(Flag(key="read", value={"it": value}, updated_at=datetime.now(UTC), updated_by="t"))
    with store.read() as session:
        read = session.get_one(Flag, "read").value["it"]
    assert canonical_json(read) == canonical_json(value)


def test_half_a_surrogate_pair_from_an_older_release_is_still_read(store: Store) -> None:
    if store.engine == "postgresql":
        return
    with store.session() as session:
        session.add(Flag(key="half", value={"it": "\ud83d"}, updated_at=datetime.now(UTC), updated_by="t"))
    with store.read() as session:
        assert session.get_one(Flag, "half").value == {"it": "\ud83d"}
