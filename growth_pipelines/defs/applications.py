"""Decision records that enter through Dagster: applications, until their signature is verified.

Whoever reaches the web server can report a materialization of ``X_approval``, by the UI's form (a description),
REST or GraphQL (metadata), or a launchpad job. None of these says who did it, so the only thing taken from the
event is the signed record in it; the store's ``decide()`` does the rest. What the store itself reports to Dagster
(see ``reports``) carries a mark and is no application; a forged mark gains nothing, since it decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

# The outbox entry that a materialization reports.
OUTBOX_MARK = "outbox_entry"
RECORD = "record"


def application_of(event: dg.AssetMaterialization) -> Mapping[str, Any] | str | None:
    """The decision record in an event, unverified; None when the store itself reported it."""
    if OUTBOX_MARK in event.metadata:
        return None
    metadata = {name: _plain(value) for name, value in event.metadata.items() if not name.startswith("dagster/")}
    if RECORD in metadata:
        record = metadata[RECORD]
        return record if isinstance(record, Mapping) else str(record)
    return metadata or event.description or ""


def _plain(value: dg.MetadataValue[Any]) -> Any:
    """The Python value of a metadata entry, whatever path it came by."""
    return value.value


def newest_application(
    instance: dg.DagsterInstance, approval: dg.AssetKey, since: int
) -> Mapping[str, Any] | str | None:
    """The record in the newest event of ``approval`` after event ``since``; None without one, or when the store
    reported it."""
    wanted = dg.AssetRecordsFilter(asset_key=approval, after_storage_id=since)
    newest = instance.fetch_materializations(wanted, limit=1).records
    event = newest[0].asset_materialization if newest else None
    return application_of(event) if event is not None else None
