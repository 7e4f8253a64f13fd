"""What a kind of export is: how its sheets are recognised, and how they are read into pieces to land and load."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from growth_pipelines.ingestion.imports.known import Known
from growth_pipelines.ingestion.imports.sheets import Sheet
from growth_pipelines.ingestion.landing import Shop
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.ingestion.windows import Window
from growth_pipelines.settings import Settings

# So many columns that are not read are named; of the others there is a count.
NAMED_COLUMNS = 6


@dataclass(frozen=True)
class Context:
    """What reading an export needs to know: the shop it is of, and what the warehouse has of it already."""

    settings: Settings
    shop: Shop
    zone: ZoneInfo
    known: Known

    def pseudonyms(self) -> Pseudonyms:
        """Made when asked for, since it makes the installation's key."""
        return Pseudonyms.of(self.settings)


@dataclass(frozen=True)
class Piece:
    """One landing file to be: its records, the tables that ``folder`` of ``parse`` makes of them, what to tell.

    ``kept`` are keys by raw table whose rows stay as the warehouse has them; ``read_again`` are streams whose next
    run reads everything, so that the shop's own word replaces the export's.
    """

    stream: str
    folder: str
    parts: tuple[Part, ...]
    records: Sequence[dict[str, Any]]
    window: Window | None = None
    notes: tuple[str, ...] = ()
    kept: Mapping[str, frozenset[str]] = field(default_factory=dict)
    read_again: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One kind of export. ``signs`` tells a person what it is recognised by; ``read`` raises BadSheet."""

    name: str
    signs: str
    recognises: Callable[[Sheet], bool]
    read: Callable[[Sequence[Sheet], Context], list[Piece]]


def unread_columns(sheets: Iterable[Sheet], is_expected: Callable[[str], bool]) -> tuple[str, ...]:
    """The note on the columns that are not Shopify's own, as metafields and other apps add them; none without."""
    names = [name for sheet in sheets for name in sheet.columns if not is_expected(name)]
    names = list(dict.fromkeys(names))
    if not names:
        return ()
    listed = ", ".join(names[:NAMED_COLUMNS])
    more = f" and {len(names) - NAMED_COLUMNS} more" if len(names) > NAMED_COLUMNS else ""
    return (f"{len(names)} {'column is' if len(names) == 1 else 'columns are'} not read: {listed}{more}",)
