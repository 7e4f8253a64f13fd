"""Every name that the machine can show has words for it."""

from __future__ import annotations

from typing import get_args

from growth_pipelines.actions.model import Kind, RejectReason
from growth_pipelines.console.labels import all_labels, humane, label
from growth_pipelines.store.tables import ACTION_STATES, EXECUTION_STATUSES


def test_every_kind_reason_state_and_status_has_a_label():
    labels = all_labels()
    assert set(get_args(Kind)) == set(labels["kinds"])
    assert set(get_args(RejectReason)) == set(labels["reasons"])
    assert set(ACTION_STATES) <= set(labels["events"])
    assert set(EXECUTION_STATUSES) == set(labels["executions"])
    assert {"live", "propose", "observe"} == set(labels["modes"]) < set(labels["effects"])


def test_an_unknown_name_becomes_plain_words():
    assert label("events", "brake_tested") == "Brake tested"
    assert humane("CTR of “an fitting”") == "CTR of “an fitting”"
