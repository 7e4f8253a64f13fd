"""From drafts to actions: what is refused at creation, what refreshes an open action, what revises it.

One batch of one recommender is one transaction, so a half-submitted batch doesn't exist.
"""

from __future__ import annotations

import math
import secrets
import string
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.model import OPEN_STATES, SUBTYPES, ActionDraft, State, action_digest
from growth_pipelines.actions.transitions import open_request, plain_json, record, request_of, revise, transition
from growth_pipelines.canonical import digest
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, Batch, Flag, Operator, OutboxEntry
from growth_pipelines.telemetry import current_trace_id, new_trace_id

TASK = "task"
TITLE = "seo.title"
CHANNEL = "recommender"
_BASE62 = string.digits + string.ascii_letters
# States in which the recommender's newer draft doesn't touch its open action.
_LEFT_ALONE = ("approved", "executing")


@dataclass(frozen=True)
class SubmitRules:
    """The limits that a draft must keep; ``weekly_cap`` 0 means no cap."""

    expire_days: int = 7
    min_confidence: float = 0.5
    min_confidence_seo: float = 0.6
    title_change_days: int = 14
    weekly_cap: int = 0


@dataclass
class SubmitResult:
    """What became of a batch: ids by fate, and the drafts that were refused with the reason.

    ``kept`` are approved or executing actions that the batch met and left alone; ``action_ids`` are all actions
    that the batch stands for. ``batch_digest`` depends only on those actions and their drafts.
    """

    created: list[str] = field(default_factory=list)
    refreshed: list[str] = field(default_factory=list)
    revised: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    refused: list[tuple[ActionDraft, str]] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    batch_digest: str = ""
    action_ids: list[str] = field(default_factory=list)


def rules_for(settings: Settings, recommender: str) -> SubmitRules:
    """The rules that the settings set for one recommender."""
    actions = settings.actions
    tuning = getattr(settings.recommenders, recommender, None)
    return SubmitRules(
        expire_days=actions.expire_days,
        min_confidence=actions.min_confidence,
        min_confidence_seo=actions.min_confidence_seo,
        title_change_days=actions.title_change_days,
        weekly_cap=tuning.weekly_cap if tuning is not None else 0,
    )


def submit(
    store: Store,
    drafts: Sequence[ActionDraft],
    *,
    recommender: str,
    shop_id: str,
    now: datetime,
    rules: SubmitRules,
    run_id: str = "",
) -> SubmitResult:
    """Store one recommender's batch, best score first.

    A draft that meets the recommender's own open action refreshes its evidence (same draft and diff) or becomes
    its next version (another draft); an approved or executing one is left alone, and so are the words of one
    that an operator has edited. Every refusal has a reason.
    """
    with store.session() as session:
        desk = _Desk(session, recommender, shop_id, now, rules, run_id)
        for draft in sorted(drafts, key=lambda draft: (-draft.score, draft.target.gid, draft.subtype)):
            desk.take(draft)
        return desk.close()


def lift_suppression(session: Session, action: Action, *, actor: str, channel: str, now: datetime) -> None:
    """Let the action's kind be proposed again on its resource, although it was rolled back there.

    The caller has proved who ``actor`` is. Raises GrowthError unless they may decide.
    """
    person = session.get(Operator, actor)
    if person is None or not person.active or person.role not in ("operator", "admin"):
        raise GrowthError(f"{actor} may not lift a suppression.", "It takes an active operator or admin.")
    key = _suppression_key(action.kind, action.resource_gid)
    flag = session.get(Flag, key) or Flag(key=key)
    flag.value, flag.updated_at, flag.updated_by = {"lifted": True}, now, actor
    session.add(flag)
    append_event(
        session,
        event="suppression_lifted",
        actor=actor,
        channel=channel,
        now=now,
        action_id=action.id,
        version=action.version,
        trace_id=action.trace_id,
        payload={"kind": action.kind, "resource": action.resource_gid},
    )


def _suppression_key(kind: str, gid: str) -> str:
    return f"suppression_lifted:{kind}:{gid}"


def written_fields(fields: Sequence[str]) -> set[str]:
    """The fields that a write would touch: task cards change nothing by themselves."""
    return {name for name in fields if name != TASK}


def resource_of(draft: ActionDraft) -> str:
    """What the draft is about: the target's gid, or its URL where Shopify has no resource (the home page)."""
    return draft.target.gid or draft.target.url


def is_same_subject(action: Action, draft: ActionDraft) -> bool:
    """Whether the draft is about what the action is about: a shared field, or a task for the same problem."""
    fields = [change.field for change in draft.diff]
    if action.resource_gid != resource_of(draft):
        return False
    if written_fields(action.fields) & written_fields(fields):
        return True
    # A field may come or go beside the task, as when somebody has set a missing alt text meanwhile.
    both_tasks = TASK in action.fields and TASK in fields
    return both_tasks and (action.kind, action.subtype, action.impact.get("metric")) == (
        draft.kind,
        draft.subtype,
        draft.impact.metric,
    )


class _Desk:
    """Takes one batch's drafts in, one after the other, in one transaction."""

    def __init__(
        self, session: Session, recommender: str, shop_id: str, now: datetime, rules: SubmitRules, run_id: str
    ) -> None:
        self.session, self.recommender, self.shop_id, self.now = session, recommender, shop_id, now
        self.rules, self.run_id = rules, run_id
        self.result = SubmitResult()
        self.open = list(
            session.scalars(
                select(Action)
                .where(Action.shop_id == shop_id, Action.state.in_(OPEN_STATES))
                .order_by(Action.created_at, Action.id)
            )
        )
        week = now - timedelta(days=7)
        self.this_week = session.scalar(
            select(func.count())
            .select_from(Action)
            .where(Action.shop_id == shop_id, Action.recommender == recommender, Action.created_at > week)
        )

    def take(self, draft: ActionDraft) -> None:
        reason = _flaw(draft, self.rules) or self._foreign_claim(draft)
        if reason:
            self.result.refused.append((draft, reason))
            return
        own = [a for a in self.open if a.recommender == self.recommender and is_same_subject(a, draft)]
        if own:
            self._meet(own, draft)
            return
        reason = self._history(draft) or self._cap()
        if reason:
            self.result.refused.append((draft, reason))
            return
        self._create(draft)

    def _foreign_claim(self, draft: ActionDraft) -> str:
        """Another recommender has an open action on the same resource and field."""
        fields = written_fields([change.field for change in draft.diff])
        for action in self.open:
            shared = fields & written_fields(action.fields)
            if action.recommender != self.recommender and action.resource_gid == resource_of(draft) and shared:
                names = ", ".join(sorted(shared))
                return f"{names} already has an open action of {action.recommender} ({action.ref})"
        return ""

    def _history(self, draft: ActionDraft) -> str:
        """What happened before on this resource forbids the draft."""
        past = self.session.scalars(
            select(Action)
            .where(
                Action.shop_id == self.shop_id,
                Action.resource_gid == resource_of(draft),
                Action.state.not_in(OPEN_STATES),
            )
            .order_by(Action.created_at.desc(), Action.state_at.desc())
        ).all()
        lifted = self.session.get(Flag, _suppression_key(draft.kind, resource_of(draft)))
        for action in past:
            undone = action.kind == draft.kind and action.state == "rolled_back"
            if undone and not (lifted and lifted.updated_at >= action.state_at):
                return f"a {draft.kind} action here ({action.ref}) was rolled back; an operator must lift that"
        since = self.now - timedelta(days=self.rules.title_change_days)
        if any(change.field == TITLE for change in draft.diff):
            for action in past:
                if TITLE in action.fields and action.executed_at and action.executed_at > since:
                    return (
                        f"the title was changed on {action.executed_at:%Y-%m-%d} ({action.ref}); "
                        f"one change in {self.rules.title_change_days} days"
                    )
        for action in past:
            if action.state == "rejected" and action.state_at > since and action.draft == plain_json(draft.draft):
                return f"{action.decided_by} rejected this same draft on {action.state_at:%Y-%m-%d} ({action.ref})"
        return ""

    def _cap(self) -> str:
        if self.rules.weekly_cap and (self.this_week or 0) >= self.rules.weekly_cap:
            return f"{self.recommender} has drafted {self.this_week} actions in 7 days, its cap"
        return ""

    def _meet(self, own: list[Action], draft: ActionDraft) -> None:
        """The draft is about an action that is already open; further ones that it covers give way to it."""
        if any(action.id in self.result.action_ids for action in own):
            self.result.refused.append((draft, "this batch already has a draft on this resource and field"))
            return
        first, *others = sorted(own, key=lambda action: action.state not in _LEFT_ALONE)
        if first.state not in _LEFT_ALONE and (reason := self._reaches_further(own, draft)):
            self.result.refused.append((draft, reason))
            return
        self.result.action_ids.append(first.id)
        if first.state in _LEFT_ALONE:
            self.result.kept.append(first.id)
            return
        content = _content(draft)
        if first.state != "changes_requested" and self._worded_by_a_person(first):
            self._refresh(first, {**content, "target": first.target})
        elif (
            first.draft == plain_json(draft.draft)
            and first.diff == _diff(draft)
            and first.target == content["target"]
        ):
            self._refresh(first, content)
        else:
            self._revise(first, draft, content)
        for other in others:
            self._supersede(other, first)

    def _worded_by_a_person(self, action: Action) -> bool:
        """Whether an operator's edit made the present version: a recommender's words don't replace theirs."""
        request = request_of(self.session, action)
        return request is not None and self.session.get(Operator, request.requester) is not None

    def _reaches_further(self, own: list[Action], draft: ActionDraft) -> str:
        """Why a field that none of the open actions touches may not join them: the rules of a new action hold."""
        open_fields = {name for action in own for name in action.fields}
        added = written_fields([change.field for change in draft.diff]) - open_fields
        return self._history(draft) if added else ""

    def _refresh(self, action: Action, content: dict[str, Any]) -> None:
        for name, value in content.items():
            setattr(action, name, value)
        action.updated_at = self.now
        self.session.flush()
        self.result.refreshed.append(action.id)

    def _revise(self, action: Action, draft: ActionDraft, content: dict[str, Any]) -> None:
        # The digest covers the target too, so the target must be the new one before the version is made.
        action.target = content.pop("target")
        self.session.flush()
        revise(
            self.session,
            action.id,
            action.version,
            cast(State, action.state),
            draft=draft.draft,
            diff=_diff(draft),
            actor=self.recommender,
            channel=CHANNEL,
            now=self.now,
            payload={"run_id": self.run_id},
            changes=content,
        )
        self.result.revised.append(action.id)

    def _supersede(self, action: Action, by: Action) -> None:
        if action.state in ("pending", "deferred", "changes_requested") and transition(
            self.session,
            action.id,
            action.version,
            cast(State, action.state),
            "superseded",
            actor=self.recommender,
            channel=CHANNEL,
            now=self.now,
            payload={"by": by.id},
        ):
            self.open.remove(action)
            self.result.superseded.append(action.id)

    def _create(self, draft: ActionDraft) -> None:
        action = Action(
            id=str(uuid.uuid4()),
            ref="".join(secrets.choice(_BASE62) for _ in range(12)),
            trace_id=current_trace_id() or new_trace_id(),
            shop_id=self.shop_id,
            kind=draft.kind,
            recommender=self.recommender,
            version=1,
            state="pending",
            state_at=self.now,
            resource_gid=resource_of(draft),
            draft=plain_json(draft.draft),
            diff=_diff(draft),
            fields=sorted({change.field for change in draft.diff}),
            digest=action_digest(plain_json(draft.draft), draft.target, 1),
            batch_digest="",
            created_at=self.now,
            updated_at=self.now,
            expires_at=self.now + timedelta(days=self.rules.expire_days),
            **_content(draft),
        )
        self.session.add(action)
        self.session.flush()
        open_request(self.session, action, draft.source, self.now)
        record(
            self.session, action, "created", self.recommender, CHANNEL, self.now, payload={"run_id": self.run_id}
        )
        self.open.append(action)
        self.this_week = (self.this_week or 0) + 1
        self.result.created.append(action.id)
        self.result.action_ids.append(action.id)

    def close(self) -> SubmitResult:
        """Store the batch itself, with its digest on each of its actions."""
        members = [self.session.get_one(Action, identity) for identity in self.result.action_ids]
        self.result.batch_digest = digest(sorted([action.id, action.digest] for action in members))
        for action in members:
            action.batch_digest = self.result.batch_digest
        refused = [
            {"title": draft.title, "target": draft.target.url, "why": why} for draft, why in self.result.refused
        ]
        batch = Batch(
            id=str(uuid.uuid4()),
            recommender=self.recommender,
            digest=self.result.batch_digest,
            run_id=self.run_id,
            created_at=self.now,
            action_ids=list(self.result.action_ids),
            refused=refused,
        )
        told = {"recommender": self.recommender, "digest": batch.digest, "actions": len(members)}
        self.session.add_all([batch, OutboxEntry(event="batch.submitted", payload=told, created_at=self.now)])
        return self.result


def _flaw(draft: ActionDraft, rules: SubmitRules) -> str:
    """What is wrong with the draft in itself, or an empty text."""
    least = rules.min_confidence_seo if draft.kind == "seo_ctr" else rules.min_confidence
    if draft.kind not in SUBTYPES:
        return f"unknown kind {draft.kind}"
    if draft.subtype not in SUBTYPES[draft.kind]:
        return f"unknown subtype {draft.subtype} of {draft.kind}"
    if not draft.evidence:
        return "no evidence"
    if not draft.rollback_plan.strip():
        return "no rollback plan"
    if not draft.draft or not draft.diff or all(change.before == change.after for change in draft.diff):
        return "empty diff"
    if not all(math.isfinite(value) for value in (*draft.factors.values(), *_numbers(draft))):
        return "the impact is not a number"
    if "\\u0000" in draft.model_dump_json():
        return "a text holds a NUL character"
    if draft.confidence < least:
        return f"confidence {draft.confidence:.2f} is under {least:.2f}"
    return ""


def _numbers(draft: ActionDraft) -> list[float]:
    impact = draft.impact
    return [impact.delta, impact.low, impact.high, impact.revenue_28d, impact.revenue_low, impact.revenue_high]


def _diff(draft: ActionDraft) -> list[dict[str, Any]]:
    return [change.model_dump(mode="json") for change in draft.diff]


def _content(draft: ActionDraft) -> dict[str, Any]:
    """The columns that a newer draft of the same subject replaces, besides draft, diff and digest."""
    return {
        "source": draft.source,
        "subtype": draft.subtype,
        "title": draft.title,
        "rationale": draft.rationale,
        "why_now": draft.why_now,
        "target": draft.target.model_dump(mode="json"),
        "evidence": [row.model_dump(mode="json") for row in draft.evidence],
        "checks": [check.model_dump(mode="json") for check in draft.checks],
        "freshness": draft.freshness,
        "confidence": draft.confidence,
        "ease": draft.ease,
        "impact": plain_json(draft.impact),
        "score": draft.score,
        "factors": plain_json(draft.factors),
        "ranking_version": draft.ranking_version,
        "risk_tier": draft.risk_tier,
        "priority": draft.priority,
        "rollback_plan": draft.rollback_plan,
        "labels": list(draft.labels),
        "auto_approvable": False,
        "auto_approvable_why": "auto-approval is off",
    }
