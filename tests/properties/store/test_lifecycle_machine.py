"""Whatever anybody does in whatever order, the lifecycle holds: model and store never part."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from growth_pipelines.actions.authority import authority
from growth_pipelines.actions.lifecycle import (
    TRANSITIONS,
    IllegalTransition,
    SubmitRules,
    expire_due,
    release_deferred,
    revise,
    submit,
    transition,
)
from growth_pipelines.actions.model import OPEN_STATES, Target, action_digest
from growth_pipelines.actions.queue import find, history, top
from growth_pipelines.approvals.decide import AlreadyDecided, DecisionRefused
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ACTION_STATES, Action, ApprovalRequest
from tests.drafts import NOW, SHOP, decided, seo_draft, settings_in, with_operator

STATES = st.sampled_from(ACTION_STATES)
TITLES = st.sampled_from(["AN-6 line", "AN-8 line", "AN-10 line"])
# What a request may be when its action's present version is in a state.
REQUEST_OF = {
    "pending": {"pending"},
    "deferred": {"pending"},
    "changes_requested": {"superseded"},
    "rejected": {"rejected"},
    "expired": {"expired"},
    "superseded": {"superseded"},
    **{
        state: {"approved"} for state in ("approved", "executing", "executed", "measured", "failed", "rolled_back")
    },
}
_template: list[Path] = []


def fresh_home() -> Path:
    """A home with a migrated store and the operator bo, copied from one made once."""
    if not _template:
        made = Path(tempfile.mkdtemp())
        store = Store.of(settings_in(made))
        with_operator(store, settings_in(made))
        store.close()
        _template.append(made)
    home = Path(tempfile.mkdtemp()) / "home"
    shutil.copytree(_template[0], home)
    return home


class Lifecycle(RuleBasedStateMachine):
    """Recommender, operator, clock, executor and a vandal, taking turns."""

    actions = Bundle("actions")

    @initialize()
    def open(self) -> None:
        self.home = fresh_home()
        self.settings = settings_in(self.home)
        self.store = Store(f"sqlite:///{self.home / 'store.sqlite'}")
        self.now = NOW
        self.seen: dict[str, tuple[str, int]] = {}

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.home.parent)

    def get(self, action_id: str) -> Action:
        with self.store.read() as session:
            return find(session, action_id)

    @rule(target=actions, number=st.integers(1, 3), title=TITLES)
    def recommend(self, number: int, title: str) -> Any:
        result = submit(
            self.store,
            [seo_draft(number, title=title)],
            recommender="seo_ctr",
            shop_id=SHOP,
            now=self.now,
            rules=SubmitRules(),
        )
        assert len(result.action_ids) + len(result.refused) == 1
        return result.action_ids[0] if result.action_ids else next(iter(self.seen))

    @rule(
        action_id=actions,
        decision=st.sampled_from(["approve", "approve", "reject", "defer", "request_changes", "edit", "rollback"]),
        behind=st.booleans(),
    )
    def decide(self, action_id: str, decision: str, behind: bool) -> None:
        before = self.get(action_id)
        parts: dict[str, Any] = {"reason": "tone", "note": str(self.now)}
        if decision == "defer":
            parts["until"] = (self.now + timedelta(days=3)).date()
        if decision == "edit":
            parts["draft"] = {"title": f"edited {before.version}"}
        if behind:
            parts["digest"] = "0" * 64
        try:
            decided(self.store, self.settings, before, decision, now=self.now, **parts)
        except AlreadyDecided:
            assert decision == "rollback" or self.get(action_id).state != "pending" or before.state == "deferred"
        except DecisionRefused:
            assert behind
        else:
            assert not behind
            assert before.state in ("pending", "deferred", "executed", "measured")

    @rule(action_id=actions, wrong=st.booleans(), claimed=st.none() | STATES, to_state=STATES)
    def step(self, action_id: str, wrong: bool, claimed: Any, to_state: Any) -> None:
        """Any step at all, asked for by anybody: only those of the table, from where the action is, happen."""
        before = self.get(action_id)
        from_state: Any = claimed or before.state
        version = before.version + 1 if wrong else before.version
        try:
            with self.store.session() as session:
                moved = transition(
                    session, action_id, version, from_state, to_state, actor="e", channel="e", now=self.now
                )
        except IllegalTransition:
            assert to_state not in TRANSITIONS[from_state] or to_state == "pending"
            moved = False
        assert moved == (
            not wrong
            and before.state == from_state
            and to_state in TRANSITIONS[from_state]
            and (from_state == "deferred" or to_state != "pending")
        )
        assert self.get(action_id).state == (to_state if moved else before.state)

    @rule(action_id=actions)
    def execute(self, action_id: str) -> None:
        with self.store.session() as session:
            action = find(session, action_id)
            if authority(session, action, self.now).valid:
                transition(
                    session,
                    action_id,
                    action.version,
                    "approved",
                    "executing",
                    actor="x",
                    channel="x",
                    now=self.now,
                )

    @rule(action_id=actions, title=TITLES)
    def drift(self, action_id: str, title: str) -> None:
        with self.store.session() as session:
            action = find(session, action_id)
            diff = [
                {"field": "seo.title", "before": title, "after": action.draft["title"], "change_type": "change"}
            ]
            was = action.state
            moved = revise(
                session,
                action_id,
                action.version,
                "executing",
                draft=action.draft,
                diff=diff,
                actor="x",
                channel="x",
                now=self.now,
            )
            assert moved == (was == "executing")

    @rule(days=st.sampled_from([1, 3, 8]))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)
        expire_due(self.store, self.now)
        release_deferred(self.store, self.now)

    @invariant()
    def every_action_is_consistent(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.read() as session:
            rows = session.scalars(select(Action)).all()
            for action in rows:
                requests = session.scalars(
                    select(ApprovalRequest)
                    .where(ApprovalRequest.action_id == action.id)
                    .order_by(ApprovalRequest.version)
                ).all()
                assert [r.version for r in requests] == list(range(1, action.version + 1))
                assert {r.status for r in requests[:-1]} <= {"superseded"}
                assert requests[-1].status in REQUEST_OF[action.state]
                assert requests[-1].digest == action.digest
                target = Target.model_validate(action.target)
                assert action.digest == action_digest(action.draft, target, action.version)
                self.follows_the_table(history(session, action), action)
                self.keeps_its_past(action)
            open_now = [a.resource_gid for a in rows if a.state in OPEN_STATES]
            assert len(open_now) == len(set(open_now))
            assert all(a.state == "pending" for a in top(session, 10, self.now))
            assert verify_chain(session).intact

    @staticmethod
    def follows_the_table(events: list[dict[str, Any]], action: Action) -> None:
        state = None
        for event in (e for e in events if "to" in e["payload"]):
            payload = event["payload"]
            assert payload["from"] == state
            if event["event"] in ("revised", "rollback_requested") or state is None:
                assert payload["to"] in ("pending", "deferred", "executed", "measured")
            else:
                assert payload["to"] in TRANSITIONS[str(state)]
            state = payload["to"]
        assert state == action.state

    def keeps_its_past(self, action: Action) -> None:
        """Final states stay, versions never fall."""
        state, version = self.seen.get(action.id, ("pending", 1))
        if not TRANSITIONS[state]:
            assert (action.state, action.version) == (state, version)
        assert action.version >= version
        self.seen[action.id] = (action.state, action.version)


Lifecycle.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLifecycle = Lifecycle.TestCase
