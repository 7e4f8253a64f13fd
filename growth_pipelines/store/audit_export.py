"""Events as a file for others, and the proof of such a file where there is no store.

NDJSON holds each event as it is hashed, CSV the same columns with the payload as canonical JSON. Both stream.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from growth_pipelines.canonical import canonical_json
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit_records import COLUMNS
from growth_pipelines.store.audit_walk import ChainWalk, Link

Format = Literal["ndjson", "csv"]
_NUMBERS = ("seq", "version")
_MAY_MISS = ("action_id", "version", "before_digest", "after_digest")


@dataclass(frozen=True)
class FileReport:
    """What a walk over an exported file found.

    ``whole``: it starts at the first event and leaves none out, so it proves itself up to ``seq``; that nothing
    came after, only a published head can tell. Otherwise each event's own hash and the ``links`` between
    neighbours are proved.
    """

    events: int
    links: int
    first: int
    seq: int
    head: str
    whole: bool
    problems: tuple[str, ...]

    @property
    def intact(self) -> bool:
        return not self.problems


def lines(events: Iterable[dict[str, Any]], form: Format) -> Iterator[str]:
    """The file's lines, each with its end."""
    if form == "ndjson":
        for record in events:
            yield canonical_json({name: record[name] for name in COLUMNS}) + "\n"
        return
    yield _csv_line(COLUMNS)
    for record in events:
        row = {**record, "payload": canonical_json(record["payload"])}
        yield _csv_line(["" if row[name] is None else row[name] for name in COLUMNS])


def _csv_line(values: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue()


def verify_file(file: Path, heads: Sequence[Link] = ()) -> FileReport:
    """Walk an exported file (CSV by its name's end, else NDJSON). Raises GrowthError when it is no export."""
    walk = ChainWalk(heads, partial=True)
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            events = _from_csv(stream) if file.suffix == ".csv" else map(json.loads, stream)
            for number, record in enumerate(events, start=1):
                if not isinstance(record, dict) or set(record) != set(COLUMNS):
                    raise GrowthError(f"Event {number} of {file} lacks columns of an export.", "Export it again.")
                walk.take(record)
    except OSError as error:
        raise GrowthError(
            f"{file} can't be read: {error.strerror}.", "Give a file of `growth audit export`."
        ) from error
    except (ValueError, TypeError) as error:
        raise GrowthError(f"{file} is no export of audit events: {error}.", "Export it again.") from error
    whole = walk.events == walk.links > 0
    problems = (*walk.problems, *walk.missing_heads())
    return FileReport(walk.events, walk.links, walk.first, walk.seq, walk.head, whole, problems)


def _from_csv(stream: Iterable[str]) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(2**31 - 1)
    for row in csv.DictReader(stream):
        record: dict[str, Any] = {name: None if name in _MAY_MISS and not row[name] else row[name] for name in row}
        for name in _NUMBERS:
            record[name] = int(record[name]) if record[name] is not None else None
        record["payload"] = json.loads(record["payload"])
        yield record
