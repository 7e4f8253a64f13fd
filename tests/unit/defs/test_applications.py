"""What counts as a decision record in an event that anyone may have reported."""

from __future__ import annotations

import json

import dagster as dg
import pytest

from growth_pipelines.defs.applications import OUTBOX_MARK, application_of

RECORD = {"action_id": "a1", "version": 1, "digest": "d", "decision": "approve", "signature": "s"}


@pytest.mark.parametrize(
    "event",
    [
        dg.AssetMaterialization("x_approval", metadata={"record": dg.MetadataValue.json(RECORD)}),
        dg.AssetMaterialization("x_approval", metadata={"record": RECORD}),
        dg.AssetMaterialization("x_approval", metadata=dict(RECORD)),
    ],
    ids=["launchpad", "rest", "rest, field by field"],
)
def test_a_record_in_metadata_is_read(event: dg.AssetMaterialization) -> None:
    assert application_of(event) == RECORD


@pytest.mark.parametrize("metadata", [{}, {"record": json.dumps(RECORD)}])
def test_a_pasted_record_stays_text_until_it_is_examined(metadata: dict[str, str]) -> None:
    event = dg.AssetMaterialization("x_approval", description=json.dumps(RECORD), metadata=metadata)
    assert application_of(event) == json.dumps(RECORD)


def test_an_event_without_any_record_is_an_application_that_will_be_refused() -> None:
    assert application_of(dg.AssetMaterialization("x_approval")) == ""


def test_what_the_store_reports_is_no_application() -> None:
    event = dg.AssetMaterialization("x_approval", metadata={OUTBOX_MARK: 7, "record": RECORD})
    assert application_of(event) is None
