"""CSV files as sheets of cells that know where they stand, so that a bad one can be named to the user.

Accepted are .csv, .csv.gz, .zip with CSV files in it, and folders of any of them.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from pathlib import Path
from zoneinfo import ZoneInfo

from growth_pipelines.errors import GrowthError

SUFFIXES = (".csv", ".csv.gz", ".zip")
AS_UTF8 = "Export it again, or save it as CSV UTF-8; nothing was loaded."
EXPORT_AGAIN = "Export it again as a plain CSV file and leave it as it is; nothing was loaded."
# A description with pictures in it is longer than the csv module expects of a cell.
csv.field_size_limit(2**31 - 1)
# Shopify writes an apostrophe before what a spreadsheet would take for a formula.
_ESCAPED = re.compile(r"'(?=[=+@-])")
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
# No count and no amount of a shop is as large; larger ones would not fit the warehouse's columns.
LARGEST = 10**13
# "2024-03-01 10:00:00 -0500": the space before the zone is Shopify's own.
_SPACED_ZONE = re.compile(r"\s+(?=[+-]\d{2}:?\d{2}$)")


class BadSheet(GrowthError):
    """A file can't be read; the message names file, line and column."""


@dataclass(frozen=True)
class Sheet:
    """One CSV file, decoded. ``label`` is its path as the user knows it (inside of a zip: zip:member)."""

    label: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def require(self, names: Sequence[str]) -> None:
        """Raises BadSheet naming the columns that are missing."""
        missing = [name for name in names if name not in self.columns]
        if missing:
            listed = ", ".join(repr(name) for name in missing)
            what = f"column {listed} is" if len(missing) == 1 else f"columns {listed} are"
            raise BadSheet(f"{self.label}, line 1: {what} missing.", EXPORT_AGAIN)

    def cells(self) -> Iterator[Cells]:
        places = {name: place for place, name in enumerate(self.columns)}
        for line, values in self.rows:
            yield Cells(self.label, line, places, values)


@dataclass(frozen=True)
class Cells:
    """One row; the typed getters raise BadSheet naming the cell."""

    label: str
    line: int
    places: dict[str, int]
    values: tuple[str, ...]

    def text(self, column: str) -> str:
        """The cell without surrounding spaces and Shopify's escape; empty when the column is not there."""
        place = self.places.get(column)
        text = self.values[place].strip() if place is not None else ""
        return text[1:] if _ESCAPED.match(text) else text

    def bad(self, column: str, expected: str, *, shown: bool = True) -> BadSheet:
        """The error to raise; ``shown`` is False where the cell is personal and not to be repeated."""
        found = repr(self.text(column)) if shown else "the cell"
        return BadSheet(
            f"{self.label}, line {self.line}, column {column!r}: {found} is not {expected}.",
            "Correct the cell or export the file again; nothing was loaded.",
        )

    def money(self, column: str) -> Decimal | None:
        """A plain decimal number, None when empty."""
        value = self.text(column)
        if not value:
            return None
        try:
            amount = Decimal(value)
        except InvalidOperation:
            raise self.bad(column, "an amount") from None
        if not amount.is_finite() or abs(amount) >= LARGEST or "_" in value:
            raise self.bad(column, "an amount")
        return amount

    def whole(self, column: str) -> int:
        value = self.text(column)
        if not _WHOLE.fullmatch(value) or abs(int(value)) >= LARGEST:
            raise self.bad(column, "a whole number")
        return int(value)

    def number(self, column: str) -> float:
        value = self.text(column).rstrip("%")
        try:
            number = float(value)
        except ValueError:
            raise self.bad(column, "a number") from None
        if not isfinite(number):
            raise self.bad(column, "a number")
        return number

    def moment(self, column: str, zone: ZoneInfo) -> datetime | None:
        """A time as naive UTC, None when empty; one without a zone is in the shop's."""
        value = self.text(column)
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(_SPACED_ZONE.sub("", value.removesuffix(" UTC")))
        except ValueError:
            raise self.bad(column, "a date and time like 2024-03-01 10:00:00 -0500") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC if value.endswith(" UTC") else zone)
        try:
            return moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:  # The first or the last day that there is, in a zone where UTC is on another.
            raise self.bad(column, "a date and time like 2024-03-01 10:00:00 -0500") from None

    def day(self, column: str) -> date:
        value = self.text(column)
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise self.bad(column, "a date like 2024-03-01") from None


def read_sheets(paths: Sequence[Path]) -> list[Sheet]:
    """Every CSV file under ``paths``. Raises BadSheet when one can't be read or there is none."""
    sheets = [_sheet(label, content) for path in paths for label, content in _contents(path)]
    if not sheets:
        listed = ", ".join(str(path) for path in paths)
        raise BadSheet(f"{listed}: no CSV file there.", f"Give files or folders of {', '.join(SUFFIXES)}.")
    return sheets


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    if not path.exists():
        raise BadSheet(f"{path}: there is no such file or folder.", "Check the path.")
    if path.is_dir():
        for inner in sorted(path.iterdir()):
            if inner.is_file() and inner.name.lower().endswith(SUFFIXES):
                yield from _contents(inner)
        return
    name = path.name.lower()
    try:
        if name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                for member in sorted(archive.namelist()):
                    if member.lower().endswith(".csv") and not member.startswith("__MACOSX/"):
                        yield f"{path}:{member}", archive.read(member)
        elif name.endswith(".csv.gz"):
            yield str(path), gzip.decompress(path.read_bytes())
        elif name.endswith(".csv"):
            yield str(path), path.read_bytes()
        else:
            raise BadSheet(f"{path}: not a CSV export.", f"Accepted are {', '.join(SUFFIXES)} and folders.")
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadSheet(f"{path}: the archive is damaged ({error}).", "Download it again.") from error
    except (RuntimeError, NotImplementedError) as error:  # zipfile's words for a password and a rare compression
        raise BadSheet(
            f"{path}: the archive can't be read ({error}).", "Unzip it and import the folder."
        ) from error
    except OSError as error:
        raise BadSheet(f"{path}: can't be read ({error.strerror}).", "Check who may read it.") from error


def _sheet(label: str, content: bytes) -> Sheet:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _bad_byte(content, error.start)
        where = f", column {column!r}" if column else ""
        raise BadSheet(f"{label}, line {line}{where}: the text is not UTF-8.", AS_UTF8) from error
    if "\x00" in text:
        raise BadSheet(f"{label}, line {text[: text.index(chr(0))].count(chr(10)) + 1}: binary data.", AS_UTF8)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = []
    columns: tuple[str, ...] = ()
    line = 1
    try:
        for values in reader:
            if not columns:
                columns = tuple(name.strip() for name in values)
            elif values:
                if len(values) != len(columns):
                    raise BadSheet(
                        f"{label}, line {line}: {len(values)} cells under {len(columns)} columns.", EXPORT_AGAIN
                    )
                rows.append((line, tuple(values)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadSheet(f"{label}, line {line}: {error}.", EXPORT_AGAIN) from error
    if not columns:
        raise BadSheet(f"{label}, line 1: the file is empty.", EXPORT_AGAIN)
    return Sheet(label, columns, tuple(rows))


def _bad_byte(content: bytes, start: int) -> tuple[int, str]:
    """The line of a byte, and the column it stands in where that can be told."""
    line = content[:start].count(b"\n") + 1
    begin = content.rfind(b"\n", 0, start) + 1
    header = _first_row(content.split(b"\n", 1)[0])
    # The cell that is open where the text breaks is the last one of what stands before it.
    before = _first_row(content[begin:start])
    place = len(before) - 1 if before else 0
    return line, header[place].strip() if line > 1 and place < len(header) else ""


def _first_row(line: bytes) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(line.decode("latin-1"), newline="")), [])
    except csv.Error:
        return []
