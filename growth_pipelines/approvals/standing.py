"""Where a recommender's actions stand, read from the store for the verdict and for what is shown in Dagster."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import approval
from growth_pipelines.actions.lifecycle import is_expired
from growth_pipelines.actions.model import OPEN_STATES
from growth_pipelines.approvals.verdict import Standing
from growth_pipelines.store.tables import Action, Batch


def standings(session: Session, recommender: str, now: datetime, zone: str = "UTC") -> tuple[Standing, ...]:
    """The recommender's open actions and those of its newest batch, best first; times in ``zone``."""
    newest = session.scalar(
        select(Batch).where(Batch.recommender == recommender).order_by(Batch.created_at.desc()).limit(1)
    )
    wanted = select(Action).where(
        Action.recommender == recommender,
        or_(Action.state.in_(OPEN_STATES), Action.id.in_(newest.action_ids if newest else [])),
    )
    found = []
    for action in session.scalars(wanted.order_by(Action.score.desc(), Action.id)):
        proof = approval(session, action, now, zone=zone)
        state = "expired" if is_expired(action, now) else action.state
        found.append(Standing(action.id, action.ref, state, action.version, action.digest, proof.valid, proof.why))
    return tuple(found)
