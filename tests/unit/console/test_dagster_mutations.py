"""What a GraphQL document would change in Dagster, and who may ask for it."""

from __future__ import annotations

import pytest
from dagster_graphql.schema import create_schema

from growth_pipelines.console.dagster_ui.mutations import OPERATORS_MAY, Unreadable, may_change, mutations_in


@pytest.mark.parametrize(
    ("document", "changes"),
    [
        ("{ version }", set()),
        ("query { a: version } # mutation { wipeAssets }", set()),
        ('{ runOrError(runId: "mutation { deleteRun }") { __typename } }', set()),
        ("mutation { a: wipeAssets { __typename } }", {"wipeAssets"}),
        (
            "mutation A { launchRun { x } deleteRun } query B { version } mutation C { setNuxSeen }",
            {"launchRun", "deleteRun", "setNuxSeen"},
        ),
        (
            "mutation { ...A } fragment A on Mutation { ...B } fragment B on Mutation { deleteRun ...A }",
            {"deleteRun"},
        ),
        ("mutation { ... on Mutation { ... @include(if: false) { deleteRun } } }", {"deleteRun"}),
        ("\ufeffmutation,,,{deleteRun}", {"deleteRun"}),
    ],
)
def test_every_mutation_is_found_however_it_is_written(document: str, changes: set[str]) -> None:
    assert mutations_in(document) == changes


@pytest.mark.parametrize("document", ["mutation", "mutation {" + "{" * 9000, "mutation { a }" + "," * 9 + "}"])
def test_what_is_no_graphql_is_not_passed_on(document: str) -> None:
    with pytest.raises(Unreadable):
        mutations_in(document)


def test_what_operators_may_ask_for_exists_and_what_forgets_or_switches_is_not_in_it() -> None:
    known = set(create_schema().graphql_schema.mutation_type.fields)  # type: ignore[union-attr]
    assert known >= OPERATORS_MAY
    words = ("delete", "wipe", "Sensor", "Schedule", "Concurrency", "shutdown", "reload", "DynamicPartition")
    assert not [name for name in OPERATORS_MAY if any(word in name for word in words)]
    assert may_change("admin", frozenset(known))
    assert may_change("operator", OPERATORS_MAY)
    assert not may_change("operator", OPERATORS_MAY | {"somethingOfALaterDagster"})
    assert not any(may_change(role, frozenset({name})) for role in ("viewer", "") for name in known)
    assert may_change("viewer", frozenset())
