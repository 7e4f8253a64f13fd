"""What the chat shows of an action: documents in, Telegram's HTML out. Pure; everything is escaped.

Telegram takes 4,096 characters a message. A card over 3,500 shows the first changes only, says so, and is then
approved in two steps: one tap approves only what stands in full above the button.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from growth_pipelines.console import figures
from growth_pipelines.console.labels import label
from growth_pipelines.console.views import FieldView, fields_of
from growth_pipelines.console.words import Piece
from growth_pipelines.store.tables import Action

LIMIT, CAPTION_LIMIT, ANSWER_LIMIT = 4096, 1024, 200
SUMMARY_OVER = 3500
DIFF_LINES = 25
# Longer texts are compared word by word and folded; shorter ones are two lines of a diff.
LINE_LENGTH = 200
_CLIPPED = 900
_PERSONAL = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"\+\d[\d ()./-]{7,}\d|\(\d{3}\) ?\d{3}-\d{4}|(?<![\w-])\d{3}-\d{3}-\d{4}(?![\w-])"), "[phone]"),
)


@dataclass(frozen=True)
class Reader:
    """For whom a message is written: the instant, the shop's zone and currency, the console's address."""

    now: datetime
    zone: str
    currency: str
    console_url: str

    def link(self, ref: str = "") -> str:
        return f"{self.console_url}/actions/{ref}" if ref else self.console_url


@dataclass(frozen=True)
class Card:
    """A request as it is shown; ``complete``: the whole difference stands in the message."""

    html: str
    complete: bool


@dataclass(frozen=True)
class Change:
    """One changed field: lines of a diff, or pieces of a longer text. ``clipped``: some of it is left out."""

    label: str
    note: str
    lines: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()
    clipped: bool = False


@lru_cache(maxsize=1)
def texts() -> dict[str, dict[str, str]]:
    """The groups of ``texts.yaml``."""
    loaded: dict[str, dict[str, str]] = yaml.safe_load(
        files("growth_pipelines.telegram").joinpath("texts.yaml").read_text(encoding="utf-8")
    )
    return loaded


def say(name: str, **parts: Any) -> str:
    """One line of the bot's, filled in; plain text, not HTML."""
    return texts()["says"][name].format(**parts)


def size(html: str) -> int:
    """Characters as Telegram counts them: UTF-16 units of what is shown, without tags."""
    return len(_units(unescape(re.sub(r"<[^<>]*>", "", html)))) // 2


def cut(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` characters as Telegram counts them, none of them cut in two."""
    units = _units(text)
    if len(units) <= 2 * limit:
        return text
    return f"{units[: 2 * (limit - 1)].decode('utf-16-le', 'ignore').rstrip()}…"


def _units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def without_personal_data(text: str) -> str:
    """Drafts hold none; if a text does nevertheless, it doesn't leave for the chat."""
    for pattern, instead in _PERSONAL:
        text = pattern.sub(instead, text)
    return text


def as_html(text: str) -> str:
    """A plain line as HTML."""
    return str(Markup.escape(without_personal_data(text)))


@lru_cache(maxsize=1)
def _templates() -> Environment:
    def finalize(value: Any) -> Any:
        plain = isinstance(value, str) and not isinstance(value, Markup)
        return without_personal_data(value) if plain else value

    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )
    templates.globals.update(cut=cut, label=label, percent=figures.percent, signed=figures.signed)
    return templates


def rendered(template: str, reader: Reader, **parts: Any) -> str:
    """A template of ``templates/`` for this reader; never more than Telegram takes."""
    html = (
        _templates()
        .get_template(template)
        .render(
            money=lambda amount: figures.money(amount, reader.currency),
            time_left=lambda until: figures.time_left(datetime.fromisoformat(until), reader.now),
            **parts,
        )
    )
    html = re.sub(r"\n{3,}", "\n\n", html).strip()
    if size(html) > LIMIT:
        raise ValueError(f"a message of {size(html)} characters; Telegram takes {LIMIT}")
    return html


def card(
    action: Mapping[str, Any], reader: Reader, *, note: str = "", votes: Mapping[str, int] | None = None
) -> Card:
    """The request about an action's document, with as many of its changes as a message takes."""
    views = fields_of(Action(draft=action["draft"], diff=action["diff"]))
    unread = [view.label for view in views if _is_unread(view)]
    steps = _steps(action)
    changes = [_change(view) for view in views if not _is_unread(view)]
    for shown in _fewer_and_fewer(changes):
        hidden = len(changes) - sum(not change.clipped for change in shown)
        html = _card(action, reader, shown, hidden, len(changes), steps, unread, note, votes)
        if size(html) <= SUMMARY_OVER:
            return Card(html, not hidden)
    # Steps too long to show.
    html = _card(action, reader, (), len(changes) + 1, len(changes) + 1, (), unread, note, votes)
    return Card(html, False)


def _card(
    action: Mapping[str, Any],
    reader: Reader,
    changes: Sequence[Change],
    hidden: int,
    total: int,
    steps: Sequence[str],
    unread: Sequence[str],
    note: str,
    votes: Mapping[str, int] | None,
) -> str:
    html = (
        _templates()
        .get_template("card.html")
        .render(
            action={**action, **_shortened(action)},
            changes=changes,
            hidden=hidden,
            total=total,
            steps=steps,
            unread=cut(", ".join(unread), 300),
            note=note,
            votes=votes,
            console_text=reader.link(action["ref"]),
            money=lambda amount: figures.money(amount, reader.currency),
            time_left=lambda until: figures.time_left(datetime.fromisoformat(until), reader.now),
        )
    )
    return re.sub(r"\n{3,}", "\n\n", html).strip()


def _shortened(action: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": cut(action["title"], 300), "target": {"url": cut(action["target"]["url"], 200)}}


def _steps(action: Mapping[str, Any]) -> list[str]:
    """What a task asks someone to do."""
    asked = any(change.get("change_type") == "task" for change in action["diff"])
    steps = action["draft"].get("steps") if asked else None
    return [str(step) for step in steps] if isinstance(steps, list) else []


def _is_list(view: FieldView) -> bool:
    """Whether it is one entry a line, such as the places of a collection's products."""
    return bool(view.pieces) and all(piece.text.endswith("\n") for piece in view.pieces)


def _is_unread(view: FieldView) -> bool:
    """Whether no person would read it; a page folds long lists too, but those are read."""
    return view.for_machines and not _is_list(view)


def _change(view: FieldView) -> Change:
    pieces = tuple(view.pieces)
    if _is_list(view):
        return Change(view.label, view.note, tuple(_marked(pieces)))
    before = "".join(piece.text for piece in pieces if piece.kind != "added")
    after = "".join(piece.text for piece in pieces if piece.kind != "removed")
    if max(len(before), len(after)) > LINE_LENGTH:
        return Change(view.label, view.note, pieces=pieces)
    lines = [f"- {line}" for line in before.splitlines()] + [f"+ {line}" for line in after.splitlines()]
    return Change(view.label, view.note, tuple(lines) or ("+",))


def _marked(pieces: Sequence[Piece]) -> Iterator[str]:
    marks = {"same": " ", "removed": "-", "added": "+"}
    for piece in pieces:
        for line in piece.text.splitlines():
            yield f"{marks[piece.kind]} {line}"


def _fewer_and_fewer(changes: Sequence[Change]) -> Iterator[tuple[Change, ...]]:
    """All changes, then fewer of them, then the beginning of the first, then none."""
    within, lines = [], 0
    for change in changes:
        lines += len(change.lines)
        if lines > DIFF_LINES:
            break
        within.append(change)
    for count in range(len(within), 0, -1):
        yield tuple(within[:count])
    if changes:
        yield (_clipped(changes[0]),)
    yield ()


def _clipped(change: Change) -> Change:
    if change.lines:
        shown = tuple(cut(line, LINE_LENGTH) for line in change.lines[:DIFF_LINES])
        return replace(change, lines=shown, clipped=True)
    kept, room = [], _CLIPPED
    for piece in change.pieces:
        if room <= 0:
            break
        kept.append(Piece(piece.kind, cut(piece.text, room)))
        room -= len(piece.text)
    return replace(change, pieces=tuple(kept), clipped=True)


def outcome(action: Mapping[str, Any], reader: Reader, version: int, shown: str, note: str = "") -> str:
    """What a request's message says once nothing is left to decide about that version."""
    replaced = version < action["version"]
    decided = bool(action["decided_by"]) and not replaced and shown not in ("expired", "superseded")
    at = datetime.fromisoformat(action["decided_at"]) if decided else reader.now
    if replaced:
        note = note or say("new_draft", version=action["version"])
    elif shown == "deferred" and action["deferred_until"]:
        back = datetime.fromisoformat(action["deferred_until"]).astimezone(ZoneInfo(reader.zone))
        note = note or say("comes_back", day=figures.day(back.date()))
    return rendered(
        "outcome.html",
        reader,
        action={**action, **_shortened(action)},
        what=texts()["states"].get(shown, shown),
        who=action["decided_by"] if decided else "",
        at=figures.moment(at, ZoneInfo(reader.zone)),
        channel=label("channels", action["decided_channel"] or "") if decided else "",
        version=version,
        note=cut(note, 500),
        console_text=reader.link(action["ref"]),
    )


def late(action: Mapping[str, Any]) -> str:
    """What is said to someone who comes when nothing is left to decide; plain text."""
    state = action["state"].replace("_", " ")
    if not action["decided_by"]:
        return say("not_pending", ref=action["ref"], state=state)
    channel = label("channels", action["decided_channel"] or "")
    return say("decided", ref=action["ref"], state=state, who=action["decided_by"], channel=channel)


def pending_list(actions: Sequence[Mapping[str, Any]], total: int, reader: Reader) -> str:
    """The most urgent requests in one message."""
    return rendered("pending.html", reader, actions=actions, total=total, console_text=reader.link())
