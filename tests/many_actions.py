"""Many actions at once, written set-based: for tests of order, paging and speed."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert, select

from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ACTION_STATES, Action, tie_break
from tests.drafts import NOW, seo_draft, submitted

RECOMMENDERS = ("seo_ctr", "metaobject_gen", "merch_playbook", "guided_selling", "cwv_repair")
FIELDS = (["seo.title"], ["seo.description"], ["seo.title", "seo.description"], ["task"])
_AT_ONCE = 2000


def fill(store: Store, count: int, seed: int, *, resources: int, scores: int = 1_000_000) -> None:
    """Add ``count`` actions on ``resources`` resources with ``scores`` different scores, half of them pending.

    Few resources make conflicts, few scores make ties.
    """
    (model,) = submitted(store, seo_draft(0))
    with store.read() as session:
        columns = dict(
            session.execute(select(*Action.__table__.columns).where(Action.id == model.id)).one()._mapping
        )
    chance = random.Random(seed)
    rows = _rows(columns, count, chance, resources, scores)
    with store.session() as session:
        while page := [row for _, row in zip(range(_AT_ONCE), rows, strict=False)]:
            session.execute(insert(Action), page)


def _rows(
    columns: dict[str, Any], count: int, chance: random.Random, resources: int, scores: int
) -> Iterator[dict[str, Any]]:
    for number in range(count):
        # One recommender has most of the queue and the highest scores, as happens.
        recommender = chance.choice(("seo_ctr",) * 6 + RECOMMENDERS)
        state = "pending" if chance.random() < 0.5 else chance.choice(ACTION_STATES)
        at = NOW - timedelta(minutes=chance.randrange(60 * 24 * 6))
        day = date(2026, 11, 1) + timedelta(days=chance.randrange(15))
        worth = chance.randrange(scores) * (5 if recommender == "seo_ctr" else 1)
        risk = chance.choice(("low", "medium", "high"))
        yield {
            **columns,
            "id": str(uuid.UUID(int=chance.getrandbits(128))),
            "ref": f"{number:012d}",
            "kind": recommender,
            "recommender": recommender,
            "state": state,
            "score": worth / 100,
            "tie_break": tie_break([{"end": day.isoformat()}], risk, at),
            "risk_tier": risk,
            "resource_gid": f"gid://shopify/Product/{chance.randrange(resources)}",
            "fields": chance.choice(
                (["seo.title"], ["seo.description"], ["seo.title", "seo.description"], ["task"])
            ),
            "created_at": at,
            "updated_at": at,
            "state_at": at,
            "expires_at": at + timedelta(days=7) if chance.random() < 0.9 else NOW - timedelta(hours=1),
        }
