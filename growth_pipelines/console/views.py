"""What the pages show of an action: rows on one money axis, previews, diffs, evidence, editable fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from growth_pipelines.actions.body_html import LINKS
from growth_pipelines.actions.executors.collection_order import ORDER
from growth_pipelines.actions.model import FieldChange
from growth_pipelines.actions.recommended_products import LISTS, products_of
from growth_pipelines.actions.scoring import LEARNT
from growth_pipelines.actions.structured_fields import entry_fields
from growth_pipelines.actions.transitions import changes_of
from growth_pipelines.console.figures import Range, money, number, on_one_axis, percent, window
from growth_pipelines.console.labels import humane, label
from growth_pipelines.console.snippet import DESCRIPTION_LIMIT, TITLE_LIMIT, Snippet, snippet
from growth_pipelines.console.words import Piece, change_in_words, compare_lines, compare_words
from growth_pipelines.content.scoring import LENGTHS
from growth_pipelines.drafts.edits import FIELDS, TASK_PARTS
from growth_pipelines.drafts.entries import ENTRY_KINDS, entry_texts, reworded
from growth_pipelines.store.tables import Action

# The factors of the score, as they are multiplied.
MULTIPLIED = ("revenue_28d", "confidence", "calibration", "ease", "win_rate", "realised", "expected")
_LISTS = {one.field: one for one in LISTS.values()}
# What no person reads in the shop: an entry's mark of its draft, and definitions.
_MARKS = {"source", *(one.definition for one in LISTS.values())}
_LIMITS = {"title": TITLE_LIMIT, "description": DESCRIPTION_LIMIT, "alt": 125}


@dataclass(frozen=True)
class Row:
    """An action in a list, with its estimate on the axis that the list shares."""

    action: Action
    place: Range
    data_to: str


def rows_of(actions: Sequence[Action]) -> list[Row]:
    """Actions as rows, their intervals on one axis."""
    places = on_one_axis(_interval(action) for action in actions)
    return [Row(action, place, _data_to(action)) for action, place in zip(actions, places, strict=True)]


def _interval(action: Action) -> tuple[float, float, float]:
    impact = action.impact
    return impact["revenue_low"], impact["revenue_28d"], impact["revenue_high"]


def _data_to(action: Action) -> str:
    """The last day of the first, the main row of evidence."""
    if not action.evidence:
        return ""
    end = date.fromisoformat(action.evidence[0]["end"])
    return f"data to {end.day} {end:%b}"


def axis_of(action: Action) -> Range:
    """The action's own axis, from its low to its high estimate."""
    low, middle, high = _interval(action)
    share = (middle - low) / (high - low) if high > low else 0.5
    return Range(1, round(1 + 98 * share, 2), 99)


@dataclass(frozen=True)
class Preview:
    """A search result, as it is now or as it would be."""

    after: bool
    host: str
    breadcrumb: str
    title: str
    description: str
    title_cut: bool
    description_cut: bool


def previews_of(action: Action, shown_title: str, shown_description: str) -> list[Preview]:
    """The search result now and as proposed; nothing for actions that change no snippet.

    ``shown_title`` and ``shown_description`` are what a search engine has to show now, for the fields that the
    action leaves alone or that the shop has never set.
    """
    changes = {change["field"]: change for change in action.diff}
    title, description = changes.get("seo.title"), changes.get("seo.description")
    if title is None and description is None:
        return []
    now = (
        (title["before"] if title else "") or shown_title,
        (description["before"] if description else "") or shown_description,
    )
    then = (title["after"] if title else now[0], description["after"] if description else now[1])
    url = action.target["url"]
    return [_preview(snippet(url, *now), False), _preview(snippet(url, *then), True)]


def _preview(result: Snippet, after: bool) -> Preview:
    return Preview(
        after,
        result.host,
        result.breadcrumb,
        result.title,
        result.description,
        result.title_cut,
        result.description_cut,
    )


# What a reader wants first of an entry; the other fields follow as they are named.
_READ_FIRST = (
    *("question", "answer", "name", "value", "how_to", "step"),
    *("title", "h1", "meta_description", "intro", "slug", "robots"),
)


@dataclass(frozen=True)
class FieldView:
    """One changed field, word by word.

    ``for_machines`` when no person reads its text in the shop, ``is_looks`` when it is shown as it would look.
    """

    label: str
    note: str
    pieces: list[Piece]
    for_machines: bool
    is_looks: bool = False


def fields_of(action: Action) -> list[FieldView]:
    """The changed text fields, an entry's one by one, what machines read last.

    What a task asks for is shown as its steps instead.
    """
    changes = [change for change in changes_of(action) if change.change_type != "task"]
    found = [view for change in changes for view in _views_of(_named(change, action.draft))]
    return sorted(found, key=lambda view: view.for_machines)


def _named(change: FieldChange, draft: Mapping[str, Any]) -> FieldChange:
    """A list of products by their titles, as the draft names them, and not by their ids."""
    kept_in = _LISTS.get(change.field)
    if kept_in is None:
        return change
    titles = {one["product"]: one["title"] for part in ("kept", kept_in.part) for one in draft.get(part, [])}
    before, after = (
        "; ".join(titles.get(gid, gid) for gid in products_of(side)) for side in (change.before, change.after)
    )
    return change.model_copy(update={"before": before, "after": after})


def _views_of(change: FieldChange) -> list[FieldView]:
    name, before, after = change.field, change.before, change.after
    if name == ORDER:
        return _order_views(before.split(), after.split(), change.names)
    if not name.startswith("entry."):
        view = _view(name, before, after, _LIMITS.get(name.rsplit(".", 1)[-1]))
        return [replace(view, is_looks=name in _LISTS or name == LINKS)]
    old, new = entry_fields(before), entry_fields(after)
    places = {key: place for place, key in enumerate(_READ_FIRST)}
    keys = sorted({**old, **new}, key=lambda key: (places.get(key, len(places)), key))
    views = [_view(key, old.get(key, ""), new.get(key, "")) for key in keys if old.get(key) != new.get(key)]
    return [replace(view, is_looks=not old) for view in views]


def _order_views(before: Sequence[str], after: Sequence[str], titles: Mapping[str, str]) -> list[FieldView]:
    """All places of a collection with where each product stood."""
    stood = {handle: place for place, handle in enumerate(before, start=1)}
    shown = _told_apart(after, titles)
    lines = [
        (f"{place}. {name}", stood.get(handle, 0))
        for place, (handle, name) in enumerate(zip(after, shown, strict=True), start=1)
    ]
    pieces = [
        Piece("same", f"{line}\n") if was == place else Piece("added", f"{line} (was {was or 'not there'})\n")
        for place, (line, was) in enumerate(lines, start=1)
    ]
    moved = sum(piece.kind == "added" for piece in pieces)
    note = f"{moved} of {len(after)} products in other places"
    return [FieldView(label("fields", ORDER), note, pieces, False, True)]


def order_names(action: Action) -> list[str]:
    """The products of a collection's proposed order, as a person calls them."""
    order = next((change for change in changes_of(action) if change.field == ORDER), None)
    return _told_apart(order.after.split(), order.names) if order else []


def _told_apart(handles: Sequence[str], titles: Mapping[str, str]) -> list[str]:
    """Products by their titles; by the handle where none is known, and with it where two have one title."""
    names = [titles.get(handle, handle) for handle in handles]
    times = Counter(names)
    return [f"{name} ({handle})" if times[name] > 1 else name for handle, name in zip(handles, names, strict=True)]


def _view(name: str, before: str, after: str, limit: int | None = None) -> FieldView:
    note = _field_note(before, after, limit)
    return FieldView(label("fields", name), note, compare_words(before, after), _is_for_machines(name, after))


def _is_for_machines(name: str, text: str) -> bool:
    """References, structured data and the mark that names the entry's draft."""
    return name in _MARKS or name.startswith("definition.") or text.startswith(("{", "[", "gid://"))


def _field_note(before: str, after: str, limit: int | None) -> str:
    length = len(after)
    size = f"{length} of {limit} characters" if limit else f"{length} characters"
    if not before:
        return f"not set before; {size}"
    return f"{change_in_words(before, after)}; {size}, was {len(before)}"


def kept_of(action: Action, snapshot: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a write kept to write back: each field's label and text, products by their titles."""
    names = {change.field: change.names for change in changes_of(action)}
    kept = []
    for name, text in snapshot.items():
        if name == ORDER:
            shown = "; ".join(_told_apart(text.split(), names.get(name, {})))
        else:
            change = FieldChange(field=name, before=text, after="")
            shown = _named(change, action.draft).before
        kept.append((label("fields", name), shown))
    return kept


@dataclass(frozen=True)
class EvidenceView:
    name: str
    value: str
    baseline: str
    dates: str
    source: str
    note: str


def evidence_of(action: Action) -> list[EvidenceView]:
    return [
        EvidenceView(
            humane(row["name"]),
            _figure(row, "value"),
            "" if row["baseline"] is None else _figure(row, "baseline"),
            window(date.fromisoformat(row["start"]), date.fromisoformat(row["end"])),
            row["source"],
            row["note"],
        )
        for row in action.evidence
    ]


def _figure(row: Mapping[str, Any], column: str) -> str:
    """The value with its unit, where the row's name doesn't say it already."""
    value, unit = row[column], row["unit"]
    if value is not None and len(unit) == 3 and unit.isupper():
        return money(value, unit)
    return number(value, "" if unit.lower() in row["name"].lower() else unit)


@dataclass(frozen=True)
class Factor:
    label: str
    value: str


def factors_of(action: Action, currency: str) -> tuple[list[Factor], list[Factor]]:
    """What multiplies to the score, in that order; and the rest, which the confidence is made of."""
    multiplied: list[Factor] = []
    parts: list[Factor] = []
    for name in sorted(action.factors, key=_factor_order):
        value = action.factors[name]
        if name in LEARNT and value == 1 and name != "win_rate":
            continue
        text = money(value, currency) if name.startswith("revenue") else percent(value)
        (multiplied if name in MULTIPLIED else parts).append(Factor(label("factors", name), text))
    return multiplied, parts


def borne_out(action: Action) -> float | None:
    """The confidence that outcomes bear out; None where none correct it."""
    correction = action.factors.get("calibration", 1.0)
    return action.confidence * correction if correction != 1 else None


def _factor_order(name: str) -> tuple[int, str]:
    return (MULTIPLIED.index(name) if name in MULTIPLIED else len(MULTIPLIED), name)


@dataclass(frozen=True)
class Editable:
    """A part of the draft that the operator may reword before approving."""

    name: str
    label: str
    text: str
    lines: bool
    rows: int
    limit: int | None
    variants: list[str] = field(default_factory=list)


def editable_of(draft: Mapping[str, Any], typed: Mapping[str, str] | None = None) -> list[Editable]:
    """The texts and lists of texts of a draft; ``typed`` is what the operator had already entered."""
    typed = typed or {}
    fields = []
    for name in (*FIELDS, *TASK_PARTS):
        if name not in draft:
            continue
        value = draft[name]
        lines = isinstance(value, list)
        text = typed.get(name, "\n".join(value) if lines else value)
        fields.append(
            Editable(
                name, label("fields", name), text, lines, _rows(text), _LIMITS.get(name), _variants(draft, name)
            )
        )
    for name, (kind, drafted) in entry_texts(draft.get("entries", [])).items():
        text = typed.get(name, drafted)
        limit = LENGTHS[ENTRY_KINDS[kind]][2] if kind in ENTRY_KINDS else None
        named = _entry_label(draft, name)
        fields.append(Editable(name, named, text, False, _rows(text), limit))
    return fields


def _rows(text: str) -> int:
    return min(10, max(2, len(text) // 38 + 1 + text.count("\n")))


def _entry_label(draft: Mapping[str, Any], name: str) -> str:
    """A specification by what it specifies, a question and its answer by their place."""
    _, place, part = name.split(".")
    entries = draft["entries"]
    entry = entries[int(place)]
    if part == "value":
        return str(entry["fields"].get("name", "")) or label("fields", part)
    alike = [at for at, one in enumerate(entries) if one["type"] == entry["type"]]
    number = f" {alike.index(int(place)) + 1}" if len(alike) > 1 else ""
    return f"{label('fields', part)}{number}"


def _variants(draft: Mapping[str, Any], name: str) -> list[str]:
    """Other wordings that the recommender weighed, without the one in the draft."""
    offered = draft.get("variants")
    found = offered.get(name, []) if isinstance(offered, Mapping) else []
    texts = [item.get("text", "") if isinstance(item, Mapping) else str(item) for item in found]
    return [text for text in texts if text and text != draft.get(name)]


def typed_as_drafted(draft: Mapping[str, Any]) -> dict[str, str]:
    """A form as it is before anybody types."""
    return {entry.name: entry.text for entry in editable_of(draft)}


def edit_of(changed: Any) -> list[FieldView]:
    """What an edit on record changed, part by part and word by word; lists item by item."""
    return [
        _edit_view(one["part"], one["before"], one["after"])
        for one in (changed if isinstance(changed, list) else [])
        if isinstance(one, Mapping) and {"part", "before", "after"} <= one.keys()
    ]


def _edit_view(part: str, before: Any, after: Any) -> FieldView:
    if isinstance(before, list) or isinstance(after, list):
        old, new = _lines(before), _lines(after)
        pieces = compare_lines(old, new)
        note = (
            f"{len(new)} of {len(old)} kept"
            if len(new) < len(old)
            else change_in_words(*map("\n".join, (old, new)))
        )
        return FieldView(label("fields", part), note, pieces, False)
    return _view(part, str(before or ""), str(after or ""))


def _lines(items: Any) -> list[str]:
    """The items of a list as lines: a product by its title, a link by its words, an entry by its fields."""
    found: list[str] = []
    for item in items if isinstance(items, list) else []:
        if isinstance(item, Mapping) and isinstance(item.get("fields"), Mapping):
            texts = entry_texts([item])
            found += [f"{label('fields', name.rsplit('.', 1)[-1])}: {text}" for name, (_, text) in texts.items()]
        elif isinstance(item, Mapping):
            found.append(str(item.get("title") or item.get("anchor") or item))
        else:
            found.append(str(item))
    return found


def edited_parts(draft: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, Any]:
    """The editable parts of ``draft`` as they were typed into a form."""
    parts: dict[str, Any] = {}
    entries = reworded(draft.get("entries", []), typed)
    if entries is not None:
        parts["entries"] = entries
    for entry in editable_of(draft):
        if entry.name in typed and not entry.name.startswith("entries."):
            # One line is one step; elsewhere a line end typed by accident is a space.
            lines = [" ".join(line.split()) for line in typed[entry.name].splitlines()]
            kept = [line for line in lines if line]
            parts[entry.name] = kept if entry.lines else " ".join(kept)
    return parts
