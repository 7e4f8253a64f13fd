"""From drafts to actions: what is new, what refreshes an open action, what revises it.

:mod:`refusals` holds the rules that a draft must keep. One batch of one recommender is one transaction, so a
half-submitted batch doesn't exist.
"""

from __future__ import annotations

import secrets
import string
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.model import OPEN_STATES, ActionDraft, State, action_digest
from growth_pipelines.actions.refusals import SubmitRules, flaw, forbidden_by_history, foreign_claim
from growth_pipelines.actions.subject import changed_fields, is_same_subject, resource_of, written_fields
from growth_pipelines.actions.terms import put_under
from growth_pipelines.actions.transitions import open_request, plain_json, record, request_of, revise, transition
from growth_pipelines.canonical import digest
from growth_pipelines.policies.book import in_force
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, Batch, Operator, OutboxEntry, tie_break
from growth_pipelines.telemetry import current_trace_id, new_trace_id

CHANNEL = "recommender"
# Resources asked about in one statement; each is a bound parameter.
_AT_ONCE = 500
_BASE62 = string.digits + string.ascii_letters
# States in which the recommender's newer draft doesn't touch its open action.
_LEFT_ALONE = ("approved", "executing")


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
        zone=settings.zone,
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
        desk.look_up({resource_of(draft) for draft in drafts})
        for draft in sorted(drafts, key=lambda draft: (-draft.score, draft.target.gid, draft.subtype)):
            desk.take(draft)
        return desk.close()


class _Desk:
    """Takes one batch's drafts in, one after the other, in one transaction."""

    def __init__(
        self, session: Session, recommender: str, shop_id: str, now: datetime, rules: SubmitRules, run_id: str
    ) -> None:
        self.session, self.recommender, self.shop_id, self.now = session, recommender, shop_id, now
        self.rules, self.run_id = rules, run_id
        self.result = SubmitResult()
        self.open: list[Action] = []
        week = now - timedelta(days=7)
        self.this_week = session.scalar(
            select(func.count())
            .select_from(Action)
            .where(Action.shop_id == shop_id, Action.recommender == recommender, Action.created_at > week)
        )

    def look_up(self, resources: Collection[str]) -> None:
        """Read the open actions on the resources that the batch is about, oldest first."""
        wanted = sorted(resources)
        for start in range(0, len(wanted), _AT_ONCE):
            self.open += self.session.scalars(
                select(Action).where(
                    Action.shop_id == self.shop_id,
                    Action.state.in_(OPEN_STATES),
                    Action.resource_gid.in_(wanted[start : start + _AT_ONCE]),
                )
            )
        self.open.sort(key=lambda action: (action.created_at, action.id))

    def take(self, draft: ActionDraft) -> None:
        reason = flaw(draft, self.rules) or foreign_claim(draft, self.recommender, self.open)
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

    def _history(self, draft: ActionDraft) -> str:
        """Why what happened before on this resource forbids the draft."""
        past = self.session.scalars(
            select(Action)
            .where(
                Action.shop_id == self.shop_id,
                Action.resource_gid == resource_of(draft),
                Action.state.not_in(OPEN_STATES),
            )
            .order_by(Action.created_at.desc(), Action.state_at.desc())
        ).all()
        return forbidden_by_history(self.session, draft, past, self.now, self.rules)

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
        content["tie_break"] = tie_break(content["evidence"], draft.risk_tier, first.created_at)
        if first.state != "changes_requested" and self._worded_by_a_person(first):
            self._refresh(first, {**content, "target": first.target})
        elif (
            first.draft == plain_json(draft.draft)
            and _unnamed(first.diff) == _unnamed(_diff(draft))
            and first.target == content["target"]
        ):
            self._refresh(first, {**content, "diff": _diff(draft)})
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
        added = written_fields(changed_fields(draft)) - open_fields
        return self._history(draft) if added else ""

    def _refresh(self, action: Action, content: dict[str, Any]) -> None:
        for name, value in content.items():
            setattr(action, name, value)
        action.updated_at = self.now
        request = request_of(self.session, action)
        if request is not None and request.status == "pending":
            # What is surer or riskier today may come under other terms.
            put_under(request, action, in_force(self.session), self.now)
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
            fields=sorted(set(changed_fields(draft))),
            digest=action_digest(plain_json(draft.draft), draft.target, 1),
            batch_digest="",
            created_at=self.now,
            updated_at=self.now,
            expires_at=self.now + timedelta(days=self.rules.expire_days),
            **_content(draft),
        )
        action.tie_break = tie_break(action.evidence, action.risk_tier, self.now)
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


def _diff(draft: ActionDraft) -> list[dict[str, Any]]:
    return [change.model_dump(mode="json") for change in draft.diff]


def _unnamed(diff: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is changed, whatever it is called: a product with another title is no other change."""
    return [{name: value for name, value in change.items() if name != "names"} for change in diff]


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
        "page_visits": draft.page_visits,
        "page_position": draft.page_position,
        "ranking_version": draft.ranking_version,
        "risk_tier": draft.risk_tier,
        "priority": draft.priority,
        "rollback_plan": draft.rollback_plan,
        "labels": list(draft.labels),
        "auto_approvable": False,
        "auto_approvable_why": "auto-approval is off",
    }
