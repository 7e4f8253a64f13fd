"""Whether the database still refuses what must never happen to the audit chain.

Whoever owns the database can drop the triggers, change the chain and make them again: that is what the hashes and
the published heads are for. This finds guards that are gone, switched off or rewritten.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

_FOLDER = Path(__file__).parent / "migrations" / "sql"
# In the order of the migrations that made them.
_FILES = ("audit_guard", "audit_head_guard")


def guard_problems(session: Session) -> list[str]:
    """A sentence for each guard that doesn't stand as it was made; empty when all do."""
    found = _sqlite(session) if session.get_bind().dialect.name == "sqlite" else _postgresql(session)
    return [f"the guard {name} of the audit chain is {flaw}" for name, flaw in found]


def _statements(engine: str) -> dict[str, str]:
    """Every CREATE TRIGGER of the migrations by the trigger's name, and the bodies of functions by theirs."""
    made = {}
    for name in _FILES:
        for part in (_FOLDER / f"{name}_{engine}.sql").read_text(encoding="utf-8").split("-- next\n"):
            statement = "\n".join(line for line in part.splitlines() if not line.startswith("--"))
            words = statement.split()
            if words[0].upper() == "CREATE":
                made[words[2].removesuffix("()")] = statement
    return made


def _sqlite(session: Session) -> list[tuple[str, str]]:
    there = dict(
        session.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).tuples().all()
    )
    wanted = _statements("sqlite")
    missing = [(name, "missing") for name in wanted if name not in there]
    changed = [(n, "rewritten") for n, made in wanted.items() if n in there and _plain(made) != _plain(there[n])]
    return missing + changed


def _postgresql(session: Session) -> list[tuple[str, str]]:
    rows = session.execute(
        text(
            "SELECT t.tgname, t.tgenabled, pg_get_triggerdef(t.oid), p.proname, p.prosrc FROM pg_trigger AS t"
            " JOIN pg_proc AS p ON p.oid = t.tgfoid"
            " WHERE t.tgrelid IN ('growth.audit_events'::regclass, 'growth.audit_head'::regclass)"
        )
    )
    there = {row[0]: row for row in rows}
    wanted = _statements("postgresql")
    found = []
    for name, made in wanted.items():
        if " trigger " not in _plain(made)[:20]:
            continue
        if name not in there:
            found.append((name, "missing"))
            continue
        _, enabled, definition, function, body = there[name]
        if enabled != "A":
            found.append((name, "switched off"))
        elif _plain(body) not in _plain(wanted.get(function, "")) or not _same_trigger(definition, made):
            found.append((name, "rewritten"))
    return found


def _same_trigger(definition: str, made: str) -> bool:
    """PostgreSQL words a trigger in its own way: what it fires on is compared, in any order."""

    def events(statement: str) -> tuple[set[str], bool]:
        words = _plain(statement).split(" on ")[0].split()
        return {"insert", "update", "delete", "truncate"} & set(words), " when " in _plain(statement)

    return events(definition) == events(made)


def _plain(statement: str) -> str:
    return " ".join(statement.replace(";", " ").lower().split())
