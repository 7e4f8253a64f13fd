"""Every stream that the machine reads, in the order in which they are shown: each module here declares some.

A file put into this folder is found by itself; docs/adding-a-source.md shows one.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import get_args

from growth_pipelines.ingestion.streams.base import Group, Source, Stream


def _declared() -> dict[str, Stream]:
    found: list[Stream] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        members = vars(import_module(f"{__name__}.{module.name}")).values()
        found += [member for member in members if isinstance(member, Stream)]
    groups = get_args(Group)
    streams: dict[str, Stream] = {}
    for stream in sorted(found, key=lambda stream: (groups.index(stream.group), stream.stage)):
        if streams.setdefault(stream.name, stream) is not stream:
            raise ValueError(f"two streams are called {stream.name!r}")
    return streams


STREAMS: dict[str, Stream] = _declared()

__all__ = ["STREAMS", "Source", "Stream"]
