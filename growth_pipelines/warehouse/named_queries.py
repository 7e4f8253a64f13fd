"""The SQL of this package, one file a query in ``queries/``."""

from __future__ import annotations

from importlib.resources import files


def query(name: str) -> str:
    """The text of ``queries/{name}.sql``. Raises FileNotFoundError for a name that does not exist."""
    return files("growth_pipelines.warehouse").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")


def statements(name: str) -> list[str]:
    """The statements of a file that holds several, separated by semicolons."""
    return [statement for statement in query(name).split(";") if statement.strip()]
