"""The policy book in force: the newest of the versions in the store, each saved by an admin and on record."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.canonical import digest
from growth_pipelines.errors import GrowthError
from growth_pipelines.policies.terms import LONGEST_AUTOMATIC, BadBook, Book, book_of, flaws, shipped, unmeetable
from growth_pipelines.store.audit import append_event, is_intact
from growth_pipelines.store.tables import AuditEvent, Operator, OutboxEntry, PolicyVersion

SAVED = "policy_saved"


class MayNotSave(GrowthError):
    """Only admins change policies."""


# Asked for around every page, so it is put together once.
_NEWEST = select(func.max(PolicyVersion.version))


class Outdated(GrowthError):
    """Someone saved another version meanwhile."""


@dataclass(frozen=True)
class InForce:
    """The book and its version; 0 is the shipped one, that nobody has changed yet."""

    version: int
    book: Book


def in_force(session: Session) -> InForce:
    """The newest version. Read once a transaction."""
    kept: InForce | None = session.info.get("policies")
    newest = session.scalar(_NEWEST) or 0
    if kept is None or kept.version != newest:
        row = session.get(PolicyVersion, newest) if newest else None
        kept = InForce(newest, book_of(row.document) if row else shipped())
        session.info["policies"] = kept
    return kept


def current(session: Session) -> Book:
    """The book in force."""
    return in_force(session).book


def versions(session: Session, limit: int = 50) -> list[PolicyVersion]:
    """What was in force, the newest first."""
    return list(session.scalars(select(PolicyVersion).order_by(PolicyVersion.version.desc()).limit(limit)))


def people(session: Session) -> dict[str, str]:
    """Name → role of those who are active."""
    active = session.scalars(select(Operator).where(Operator.active))
    return {person.name: person.role for person in active}


def check(session: Session, book: Book, kinds: Collection[str]) -> None:
    """Raise BadBook when the book can't work with the operators that there are."""
    found = flaws(book, people(session), kinds)
    if found:
        raise BadBook(f"The policy book can't be used: {found[0]}.", "Correct it, or add the operators.")


def check_ends(session: Session, book: Book, now: datetime, longest: timedelta) -> None:
    """Raise BadBook when a rule that the book in force has not yet is switched on for longer than allowed."""
    before = current(session)
    for rule in book.automatic:
        is_new = rule != before.automatic_for(rule.kind)
        if is_new and rule.enabled and rule.until is not None and rule.until > now + longest:
            raise BadBook(
                f"Auto-approval of {rule.kind} would be on for longer than {longest.days} days.",
                "Choose an earlier end, or change GROWTH_ACTIONS__AUTOMATIC_DAYS.",
            )


def check_people(session: Session, kinds: Collection[str]) -> None:
    """Raise BadBook when the book in force asks for more people than there are, since some were removed."""
    found = unmeetable(current(session), people(session), kinds)
    if found:
        raise BadBook(
            f"Nobody can approve some actions any more: {found[0]}.",
            "Add an operator, or change the policies: `growth policies show`, then `growth policies save FILE`.",
        )


def save(
    session: Session,
    book: Book,
    *,
    actor: str,
    channel: str,
    now: datetime,
    kinds: Collection[str],
    seen: int,
    note: str = "",
    longest: timedelta = LONGEST_AUTOMATIC,
    apply: Callable[[Session, InForce, datetime], int],
) -> PolicyVersion:
    """Put ``book`` in force, in the caller's transaction; who ``actor`` is has been proved.

    ``seen`` is the version that the change was made from, ``longest`` how long a rule may be on for a time.
    ``apply`` brings the waiting requests under the new terms and says how many changed. Raises MayNotSave,
    Outdated or BadBook.
    """
    person = session.get(Operator, actor)
    if person is None or not person.active or person.role != "admin":
        raise MayNotSave(f"{actor or 'Nobody'} may not change policies.", "Ask an admin: `growth operators list`.")
    before = in_force(session)
    if seen != before.version:
        raise Outdated(
            f"Policies are at version {before.version} now; the change was made from version {seen}.",
            "Look at the present version and change that.",
        )
    check(session, book, kinds)
    check_ends(session, book, now, longest)
    row = PolicyVersion(
        version=before.version + 1,
        document=book.document(),
        digest=digest(book.document()),
        saved_by=actor,
        saved_at=now,
        note=note.strip(),
    )
    session.add(row)
    session.flush()
    changed = apply(session, in_force(session), now)
    told = {"version": row.version, "digest": row.digest, "note": row.note, "requests_changed": changed}
    link = append_event(session, event=SAVED, actor=actor, channel=channel, now=now, payload=told)
    more = {**told, "actor": actor, "channel": channel, "at": now.isoformat(), "audit_seq": link.seq}
    session.add(OutboxEntry(event="policy.saved", payload=more, created_at=now))
    session.flush()
    return row


def proven_version(session: Session, version: int) -> tuple[Book, str] | None:
    """The book of a version and who saved it, if an intact event of an admin's stands for it; else None.

    For those who act on what a policy has decided: a row that somebody wrote into the table proves nothing.
    """
    row = session.get(PolicyVersion, version)
    if row is None or digest(row.document) != row.digest:
        return None
    events = session.scalars(select(AuditEvent).where(AuditEvent.event == SAVED, AuditEvent.actor == row.saved_by))
    for event in events:
        if event.payload.get("version") == version and event.payload.get("digest") == row.digest:
            return (book_of(row.document), row.saved_by) if is_intact(session, event) else None
    return None
