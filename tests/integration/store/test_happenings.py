"""What plots mark: the shop's known events, and actions that were written or are approved to be."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from growth_pipelines.console.plots.events import events_of, events_since
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.happenings import happened
from growth_pipelines.store.known_events import add_event
from growth_pipelines.store.tables import Action
from tests.drafts import NOW, decided, seo_draft, submitted, with_operator

ZONE = ZoneInfo("America/Denver")
TODAY = NOW.astimezone(ZONE).date()


def test_deploys_and_approved_actions_are_marked_on_the_plots_of_an_action(
    store: Store, settings: Settings
) -> None:
    with_operator(store, settings, "ann")
    own, other = submitted(store, seo_draft(1), seo_draft(2))
    decided(store, settings, own)
    decided(store, settings, other)
    deploy = TODAY - timedelta(days=9)
    with store.session() as session:
        add_event(
            session,
            kind="deploy",
            title="New theme",
            starts_on=deploy,
            ends_on=deploy,
            actor="ann",
            channel="cli",
            now=NOW,
        )
    with store.read() as session:
        action = session.get_one(Action, own.id)
        on_its_plots = [(one.day, one.what) for one in events_of(session, action, NOW, ZONE)]
        of_the_shop = [(one.day, one.what) for one in events_since(session, NOW, ZONE)]
    assert on_its_plots == [(deploy, "New theme"), (TODAY, "approved")], "what concerns another page is left out"
    assert of_the_shop[0] == (deploy, "New theme")
    assert sorted(of_the_shop[1:]) == sorted((TODAY, f"approved: {one.title}") for one in (own, other))


def test_what_is_written_is_no_longer_approved_and_counts_on_the_day_of_its_execution(
    store: Store, settings: Settings
) -> None:
    with_operator(store, settings, "ann")
    (action,) = submitted(store, seo_draft(1))
    decided(store, settings, action)
    with store.session() as session:
        session.get_one(Action, action.id).executed_at = NOW + timedelta(days=1)
    with store.read() as session:
        (one,) = happened(session, TODAY - timedelta(days=30), ZONE)
    assert (one.waits, one.what, one.day) == (False, action.title, TODAY + timedelta(days=1))
