"""Whether the database still refuses what must never happen to the audit chain.

Whoever owns the database can drop the triggers, change the chain and make them again: that is what the hashes and
the published heads are for. This finds guards that are gone, switched off or rewritten.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

_HERE = Path(__file__).parent
# In the order of the migrations that made them.
_FILES = ("audit_guard", "audit_head_guard")
_EVENTS = {"insert", "update", "delete", "truncate"}


def guard_problems(session: Session) -> list[str]:
    """A sentence for each guard that doesn't stand as it was made; empty when all do."""
    flaws = _sqlite_flaws(session) if session.get_bind().dialect.name == "sqlite" else _postgresql_flaws(session)
    return [f"the guard {name} of the audit chain is {flaw}" for name, flaw in flaws.items()]


def _made(engine: str, sort: str) -> dict[str, str]:
    """The statements of the migrations that create a trigger, or a function, by its name."""
    made = {}
    for name in _FILES:
        script = (_HERE / "migrations" / "sql" / f"{name}_{engine}.sql").read_text(encoding="utf-8")
        for part in script.split("-- next\n"):
            statement = _plain("\n".join(line for line in part.splitlines() if not line.startswith("--")))
            if statement.startswith(f"create {sort} "):
                made[statement.split()[2].removesuffix("()")] = statement
    return made


def _sqlite_flaws(session: Session) -> dict[str, str]:
    rows = session.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    there = {str(row.name): _plain(row.sql) for row in rows}
    flaws = {}
    for name, made in _made("sqlite", "trigger").items():
        if name not in there:
            flaws[name] = "missing"
        elif there[name] != made:
            flaws[name] = "rewritten"
    return flaws


def _postgresql_flaws(session: Session) -> dict[str, str]:
    query = (_HERE / "queries" / "audit_guards_postgresql.sql").read_text(encoding="utf-8")
    there = {str(row.name): row for row in session.execute(text(query))}
    functions = _made("postgresql", "function")
    flaws = {}
    for name, made in _made("postgresql", "trigger").items():
        found = there.get(name)
        if found is None:
            flaws[name] = "missing"
        elif found.enabled != "A":
            flaws[name] = "switched off"
        elif _plain(found.body) not in functions.get(found.function, "") or _fires(made) != _fires(
            found.definition
        ):
            flaws[name] = "rewritten"
    return flaws


def _fires(statement: str) -> tuple[set[str], bool]:
    """What a trigger fires on, and whether on a condition; PostgreSQL words the statement in its own way."""
    words = _plain(statement).split(" on ")[0].split()
    return _EVENTS & set(words), " when " in _plain(statement)


def _plain(statement: str) -> str:
    return " ".join(statement.replace(";", " ").lower().split())
