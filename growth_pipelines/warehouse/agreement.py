"""Whether counting only the changed days gives what counting everything gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from growth_pipelines.errors import GrowthError
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import BuildResult, build
from growth_pipelines.warehouse.named_queries import query
from growth_pipelines.warehouse.rebuilds import SOURCES

if TYPE_CHECKING:
    from growth_pipelines.settings import Settings


def disagreements(settings: Settings, select: Sequence[str] | None = None) -> dict[str, int]:
    """Build the changed days, then everything, and count the rows by which the incremental models differ.

    By model, those that agree included with 0. Afterwards the tables are those of the full build. Raises
    GrowthError when a build fails.
    """
    warehouse = Warehouse.of(settings)
    relations = {model: f"{'intermediate' if model.startswith('int_') else 'marts'}.{model}" for model in SOURCES}
    with warehouse.lock():
        _successful(build(settings, select, full_refresh=False, data_tests=False))
        with warehouse.write() as connection:
            connection.execute("drop schema if exists compared cascade")
            connection.execute("create schema compared")
            for model, relation in relations.items():
                connection.execute(f"create table compared.{model} as select * from {relation}")  # noqa: S608
        _successful(build(settings, select, full_refresh=True, data_tests=False))
        with warehouse.write() as connection:
            found = {
                model: int(connection.execute(_differing(model, relation)).fetchone()[0])
                for model, relation in relations.items()
            }
            connection.execute("drop schema compared cascade")
    return found


def _differing(model: str, relation: str) -> str:
    return query("differing_rows").format(one=f"compared.{model}", other=relation)


def _successful(result: BuildResult) -> None:
    for node in result.results:
        if node.name in SOURCES and node.status != "success":
            raise GrowthError(
                f"{node.name} was not built: {node.message or node.status}",
                "The two ways of building are compared when both succeed.",
            )
