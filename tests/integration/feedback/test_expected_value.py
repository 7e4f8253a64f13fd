"""The ranking by what is expected of a page: through the gate, or not; on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from growth_pipelines.feedback.capture import capture
from growth_pipelines.feedback.gate import Evaluation, evaluate
from growth_pipelines.feedback.learnt import learnt, signal_frame
from growth_pipelines.feedback.pages import with_pages
from growth_pipelines.feedback.rankings import (
    CHAINED,
    EXPECTED_VALUE,
    GateClosed,
    active_version,
    corrections_of,
    put_in_force,
    roll_back,
)
from growth_pipelines.feedback.showings import show
from growth_pipelines.learning import Corrections
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ActionOutcome, Showing
from tests.drafts import NOW, decided, seo_draft, submitted

LATER = NOW + timedelta(hours=1)
_POOLS = 230


def _tried(store: Store, settings: Settings) -> list[tuple[str, bool]]:
    """Pools of a busy page and a quiet one, whose score is a little higher; one of both was tried, at random.

    The actions that were tried, and whether their pages are busy.
    """
    rng = np.random.default_rng(4)
    visits = [rng.uniform(*((100, 300) if number % 2 else (800, 1_000))) for number in range(2 * _POOLS)]
    actions = submitted(store, *(seo_draft(number, page_visits=seen) for number, seen in enumerate(visits)))
    pairs, picked = list(zip(actions[::2], actions[1::2], strict=True)), rng.integers(0, 2, _POOLS)
    tried = [pair[which] for pair, which in zip(pairs, picked, strict=True)]
    for action in tried:
        decided(store, settings, action)
    capture(store)
    with store.session() as session:
        for place, (pair, explored) in enumerate(zip(pairs, tried, strict=True)):
            pool = [
                {"action_id": one.id, "recommender": one.recommender, "subtype": one.subtype, "base": base,
                 "confidence": 0.8, "revenue": 40.0, "ease": 1.0, "page_visits": one.page_visits,
                 "page_position": None, "propensity": 0.5}
                for one, base in zip(pair, (31.0, 33.0), strict=True)
            ]  # fmt: skip
            session.add(
                Showing(
                    id=f"s{place}",
                    at=NOW - timedelta(minutes=_POOLS - place),
                    ranking_version=CHAINED,
                    shown=[],
                    explored=explored.id,
                    pool=pool,
                )
            )
    return [(action.id, which == 0) for action, which in zip(tried, picked, strict=True)]


def _measure(session: Session, tried: list[tuple[str, bool]], quiet_brings: float) -> None:
    """What was tried on a busy page brings the 20 clicks that were promised."""
    noise = np.random.default_rng(5).normal(0, 4, len(tried))
    session.execute(delete(ActionOutcome))
    for (action, busy), off in zip(tried, noise.tolist(), strict=True):
        effect = (20.0 if busy else quiet_brings) + off
        session.add(
            ActionOutcome(
                action_id=action, metric="clicks", horizon_days=28, slug="", is_promised=True,
                outcome_class="success", effect=effect, effect_low=effect - 8, effect_high=effect + 8,
                estimate=20.0, days={}, measured_at=NOW,
            )
        )  # fmt: skip
    session.flush()


def _judged(session: Session) -> Evaluation:
    found = evaluate(session, learnt(session, LATER), LATER)
    return next(one for one in found if one.version == EXPECTED_VALUE)


def test_it_passes_only_where_pages_tell_what_an_action_brings_and_then_an_operator_puts_it_in_force(
    store: Store, settings: Settings
) -> None:
    tried = _tried(store, settings)
    with store.session() as session:
        _measure(session, tried, quiet_brings=20.0)
        assert not _judged(session).passed
        with pytest.raises(GateClosed):
            put_in_force(session, EXPECTED_VALUE, actor="bo", channel="test", now=LATER)
        _measure(session, tried, quiet_brings=2.0)
        found = _judged(session)
        assert found.passed, found
        assert found.against == active_version(session) == CHAINED
        put_in_force(session, EXPECTED_VALUE, actor="bo", channel="test", now=LATER)
        assert active_version(session) == EXPECTED_VALUE
        learned = corrections_of(signal_frame(session, LATER), EXPECTED_VALUE)
        assert roll_back(session, actor="bo", channel="test", now=LATER) == CHAINED
    pages = pd.DataFrame({"page_key": ["/products/p1", "/products/p2"], "visits": [900, 200], "avg_position": 5.0})
    busy, quiet = with_pages([seo_draft(1), seo_draft(2)], pages, learned)
    assert busy.score > 1.5 * quiet.score
    assert busy.score == pytest.approx(32 * busy.factors["expected"])


def test_pages_are_kept_with_actions_and_with_what_could_have_been_shown(store: Store, settings: Settings) -> None:
    pages = pd.DataFrame({"page_key": ["/products/p1"], "visits": [900], "avg_position": [np.nan]})
    drafts = with_pages([seo_draft(number, score=90.0 - number) for number in range(1, 21)], pages, Corrections())
    assert (drafts[0].page_visits, drafts[0].page_position, drafts[1].page_visits) == (900, None, None)
    assert drafts[0].factors == seo_draft(1).factors
    by_page = {action.resource_gid: action for action in submitted(store, *drafts)}
    first = by_page["gid://shopify/Product/1"]
    assert first.page_visits == 900
    with store.session() as session:
        showing = show(session, 10, (), CHAINED, NOW)
    assert all(one["page_visits"] is None and one["ease"] == 1 for one in showing.pool)
    decided(store, settings, first, now=LATER)
    decided(store, settings, by_page["gid://shopify/Product/3"], now=LATER)
    capture(store)
    with store.read() as session:
        signals = signal_frame(session, LATER).set_index("action_id")
    assert signals.loc[first.id, ["page_visits", "place", "ease"]].tolist() == [900, 0, 1]
    assert np.isnan(signals.loc[by_page["gid://shopify/Product/3"].id, "page_visits"])
