"""Which changes a GraphQL document asks of Dagster, and who may ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from growth_pipelines.errors import GrowthError

# What an operator's day needs: start and stop runs, and report what happened. Everything else, also what a later
# Dagster adds, is an admin's: it switches the machine's clockwork, forgets history or reloads code.
OPERATORS_MAY = frozenset(
    {
        "launchRun",
        "launchPipelineExecution",
        "launchMultipleRuns",
        "launchRunReexecution",
        "launchPipelineReexecution",
        "launchPartitionBackfill",
        "resumePartitionBackfill",
        "reexecutePartitionBackfill",
        "cancelPartitionBackfill",
        "terminateRun",
        "terminateRuns",
        "terminatePipelineExecution",
        "reportRunlessAssetEvents",
        "reportAssetCheckEvaluations",
    }
)
_MOST_TOKENS = 20_000


class Unreadable(GrowthError):
    """The document is no GraphQL, so nobody can say what it would do."""


def may_change(role: str, mutations: frozenset[str]) -> bool:
    """Whether someone of this role may ask for all of these mutations."""
    if not mutations or role == "admin":
        return True
    return role == "operator" and mutations <= OPERATORS_MAY


@lru_cache(maxsize=256)
def mutations_in(document: str) -> frozenset[str]:
    """The fields of every mutation in the document, whichever of its operations is meant to run, by their names in
    the schema and not by their aliases. Raises Unreadable."""
    # The keyword can't be spelled otherwise, and parsing what the UI asks every two seconds costs 10 ms.
    if "mutation" not in document:
        return frozenset()
    from graphql import FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, OperationType, parse

    try:
        definitions = parse(document, no_location=True, max_tokens=_MOST_TOKENS).definitions
    except (GraphQLError, RecursionError) as error:
        raise Unreadable("This is no GraphQL that could be looked through.") from error
    fragments = {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}
    return frozenset(
        name
        for node in definitions
        if isinstance(node, OperationDefinitionNode) and node.operation is OperationType.MUTATION
        for name in _fields(node, fragments, set())
    )


def _fields(node: object, fragments: Mapping[str, object], seen: set[str]) -> Iterator[str]:
    """The names of the fields right below ``node``, through fragments."""
    from graphql import FieldNode, FragmentSpreadNode

    for selection in getattr(getattr(node, "selection_set", None), "selections", ()):
        if isinstance(selection, FieldNode):
            yield selection.name.value
        elif isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in seen:
                yield from _fields(fragments.get(name), fragments, seen | {name})
        else:
            yield from _fields(selection, fragments, seen)
