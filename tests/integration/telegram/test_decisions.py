"""Requests go to the chats, and what is tapped or written there decides, through the one decide()."""

from __future__ import annotations

import pytest

from tests.drafts import decided, seo_draft, submitted, task_draft
from tests.integration.telegram.conftest import BO, EVA, STRANGER, Scene

pytestmark = pytest.mark.usefixtures("bot")


def test_a_request_is_sent_with_its_diff_and_one_tap_approves_it(scene: Scene) -> None:
    (action,) = submitted(scene.store, seo_draft(title="Fuel <line> & fittings"))
    card = scene.telegram.last(BO, action.ref)
    assert "- old title\n+ Fuel <line> & fittings" in card.text
    assert card.silent and card.preview_off
    query = scene.telegram.click(BO, card, "Approve")
    assert "is approved" in scene.telegram.answer_to(query)["text"]
    scene.telegram.until(lambda: "Approved by bo" in card.text)
    now = scene.action(action)
    assert (now.state, now.decided_by, now.decided_channel) == ("approved", "bo", "telegram")
    assert not card.buttons()
