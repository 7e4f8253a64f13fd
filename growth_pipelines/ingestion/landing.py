"""Landing files: what an API answered, one JSON document a line, compressed, with a manifest beside it.

A landing file exists when its manifest does: the data are written and synced under another name, then renamed,
then the manifest the same way. A manifest that the warehouse has no record of is loaded by the next run, so
nothing is fetched twice because of a crash between landing and loading.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from growth_pipelines.ingestion.windows import Window
from growth_pipelines.telemetry import logger

_log = logger("ingestion")
FORMAT = 2
# Written once and read once or twice: -3 costs half of what level 1 does, and files are an eleventh of the JSON
# instead of an eighteenth.
COMPRESSION = -3
DATA, MANIFEST, SET_ASIDE = ".jsonl.zst", ".manifest.json", ".unreadable.json"
# Files that a crash left behind are removed after this long; a younger one may still be being written, and Shopify
# may still be working on an operation that is noted.
LEFTOVER_SECONDS = 48 * 3600.0


@dataclass(frozen=True)
class Shop:
    """What parsing needs to know of the shop. ``shop_id`` is its myshopify domain."""

    shop_id: str
    timezone: str = "UTC"
    currency: str = ""
    primary_url: str = ""


@dataclass(frozen=True)
class Landed:
    """One landing file as its manifest describes it. ``rows`` are lines, ``bytes`` are compressed.

    ``request`` is the SHA-256 of what was asked for. ``whole``: the file holds everything there is, so what it
    lacks is gone.
    """

    file_id: str
    stream: str
    shop: Shop
    path: Path
    sha256: str
    rows: int
    bytes: int
    window: Window | None
    landed_at: datetime
    request: str = ""
    whole: bool = False
    api_version: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def intact(self) -> bool:
        """True when the file still holds what was written."""
        return self.path.exists() and hashlib.sha256(self.path.read_bytes()).hexdigest() == self.sha256


class LandingWriter:
    """Writes lines; :attr:`rows` counts them. Use :meth:`Landing.write`."""

    def __init__(self, file: BinaryIO) -> None:
        import zstandard

        self._digest = hashlib.sha256()
        self._file = file
        self._compressor = zstandard.ZstdCompressor(level=COMPRESSION).compressobj()
        self.rows = 0
        self.bytes = 0

    def raw(self, line: bytes) -> None:
        """One JSON document without a line break in it."""
        self._put(self._compressor.compress(line + b"\n"))
        self.rows += 1

    def lines(self, block: bytes) -> None:
        """Several JSON documents, separated by line breaks; nothing for an empty block."""
        if block:
            self._put(self._compressor.compress(block if block.endswith(b"\n") else block + b"\n"))
            self.rows += block.count(b"\n") + (not block.endswith(b"\n"))

    def record(self, document: Any) -> None:
        self.raw(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())

    def finish(self) -> str:
        """Write what is buffered, make it durable; returns the SHA-256 of the file."""
        self._put(self._compressor.flush())
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._digest.hexdigest()

    def _put(self, block: bytes) -> None:
        self._digest.update(block)
        self._file.write(block)
        self.bytes += len(block)


class Landing:
    """The folder ``$GROWTH_HOME/landing`` with one folder a stream."""

    def __init__(self, home: Path) -> None:
        self.root = home / "landing"

    @contextmanager
    def write(
        self,
        stream: str,
        shop: Shop,
        now: datetime,
        window: Window | None = None,
        extra: dict[str, str] | None = None,
        *,
        request: str = "",
        whole: bool = False,
    ) -> Iterator[_Open]:
        """A new landing file; it exists only when the block ends well. Read ``.result`` after it."""
        folder = self.root / stream
        folder.mkdir(parents=True, exist_ok=True)
        span = f"{window.start:%Y%m%d}-{window.end:%Y%m%d}" if window else f"{now:%Y%m%d}"
        name = f"{span}-{secrets.token_hex(6)}"
        partial = folder / f"{name}.part"
        try:
            with partial.open("xb") as file:
                opened = _Open(LandingWriter(file))
                yield opened
                sha256 = opened.writer.finish()
            final = folder / f"{name}.jsonl.zst"
            partial.replace(final)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        landed = Landed(
            file_id=f"{stream}/{name}",
            stream=stream,
            shop=shop,
            path=final,
            sha256=sha256,
            rows=opened.writer.rows,
            bytes=opened.writer.bytes,
            window=window,
            landed_at=opened.fetched_at or now,
            request=request,
            whole=whole,
            api_version=opened.api_version,
            extra=extra or {},
        )
        _write_manifest(landed)
        opened.landed = landed

    def pending(self, stream: str, shop_id: str, loaded: Collection[str]) -> list[Landed]:
        """Landed files of a shop's stream that are not in ``loaded`` and still intact, oldest first."""
        found = []
        for path in sorted((self.root / stream).glob(f"*{MANIFEST}")):
            if f"{stream}/{path.name.removesuffix(MANIFEST)}" in loaded:
                continue
            landed = _read_manifest(path)
            if landed is None or landed.shop.shop_id != shop_id:
                continue
            if landed.intact():
                found.append(landed)
            else:
                _log.warning("a landing file is damaged and will be fetched again", file=str(landed.path))
        return sorted(found, key=lambda landed: (landed.landed_at, landed.file_id))

    def set_aside(self, landed: Landed) -> None:
        """Keep a file that can't be read for a person to look at, where no run finds it."""
        manifest = _manifest_path(landed.path)
        manifest.replace(manifest.with_name(manifest.name.removesuffix(MANIFEST) + SET_ASIDE))

    def discard(self, landed: Landed) -> None:
        """Remove a landing file that will not be loaded: first its manifest, so that it exists no more."""
        _manifest_path(landed.path).unlink(missing_ok=True)
        landed.path.unlink(missing_ok=True)

    def remove_leftovers(self) -> None:
        """Remove what crashes left half-written: old partial files, and data files without a manifest."""
        horizon = time.time() - LEFTOVER_SECONDS
        for path in [
            *self.root.glob("*/*.part"),
            *self.root.glob("*/*.jsonl.zst"),
            *self.root.glob("*/*.operation.json"),
        ]:
            if not _described(path) and path.stat().st_mtime < horizon:
                path.unlink(missing_ok=True)


@dataclass
class _Open:
    """A landing file being written."""

    writer: LandingWriter
    api_version: str = ""
    fetched_at: datetime | None = None
    landed: Landed | None = None

    @property
    def result(self) -> Landed:
        assert self.landed is not None, "read after the block"
        return self.landed


def _manifest_path(data: Path) -> Path:
    return data.with_name(data.name.removesuffix(DATA) + MANIFEST)


def _described(path: Path) -> bool:
    """True for a data file with a manifest, set aside or not."""
    if not path.name.endswith(DATA):
        return False
    return _manifest_path(path).exists() or path.with_name(path.name.removesuffix(DATA) + SET_ASIDE).exists()


def _write_manifest(landed: Landed) -> None:
    document = asdict(replace(landed, path=Path(landed.path.name))) | {"format": FORMAT}
    target = _manifest_path(landed.path)
    partial = target.with_suffix(".part")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(
            document,
            file,
            indent=1,
            default=lambda value: value.isoformat() if hasattr(value, "isoformat") else str(value),
        )
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_manifest(path: Path) -> Landed | None:
    """The manifest, or None when it is of another format (written by another version: fetch again)."""
    document = json.loads(path.read_text(encoding="utf-8"))
    if document.pop("format", None) != FORMAT:
        return None
    window = document.pop("window")
    return Landed(
        **{
            **document,
            "shop": Shop(**document["shop"]),
            "path": path.parent / document["path"],
            "landed_at": datetime.fromisoformat(document["landed_at"]),
        },
        window=Window(
            datetime.fromisoformat(window["start"]), datetime.fromisoformat(window["end"]), window["open_end"]
        )
        if window
        else None,
    )
