"""A store with many actions, written set-based: for measures and tests of order, paging and speed."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Column, MetaData, NullPool, Table, create_engine, insert, select, text
from sqlalchemy.orm import Session

from growth_pipelines.actions.lifecycle import SubmitRules, submit
from growth_pipelines.actions.model import ActionDraft, Evidence, FieldChange, Impact, Target
from growth_pipelines.policies.terms import shipped
from growth_pipelines.store.database import SCHEMA, Store
from growth_pipelines.store.tables import ACTION_STATES, Action, ApprovalRequest, tie_break

SHOP = "bench.myshopify.com"
RECOMMENDERS = ("seo_ctr", "metaobject_gen", "merch_playbook", "guided_selling", "cwv_repair")
FIELDS = (["seo.title"], ["seo.description"], ["seo.title", "seo.description"], ["task"])
_VARIED = (
    "id",
    "ref",
    "kind",
    "recommender",
    "state",
    "score",
    "tie_break",
    "risk_tier",
    "resource_gid",
    "fields",
    "created_at",
    "updated_at",
    "state_at",
    "expires_at",
    "priority",
)
_ANSWERED = {
    **dict.fromkeys(("approved", "executing", "executed", "measured"), "approved"),
    "rejected": "rejected",
}
_AT_ONCE = 5000


def fill(store: Store, count: int, seed: int, *, now: datetime, resources: int, scores: int = 1_000_000) -> None:
    """Add ``count`` actions on ``resources`` resources with ``scores`` different scores, half of them pending.

    Few resources make conflicts, few scores make ties. All are copies of one action in what they say.
    """
    result = submit(
        store, [bench_draft(now)], recommender="seo_ctr", shop_id=SHOP, now=now, rules=SubmitRules(weekly_cap=0)
    )
    columns = Action.__table__.columns
    many = Table(
        "many_actions",
        MetaData(),
        *(Column(name, columns[name].type) for name in _VARIED),
        prefixes=["TEMPORARY"],
    )
    rows = _rows(count, random.Random(seed), now, resources, scores)  # noqa: S311 - no secret
    model = Action.__table__.alias("model")
    copied = [many.c[c.name] if c.name in _VARIED else model.c[c.name] for c in columns]
    requests: list[dict[str, Any]] = []
    with store.session() as session, _roomy(session, store.engine):
        many.create(session.connection())
        while page := [row for _, row in zip(range(_AT_ONCE), rows, strict=False)]:
            session.execute(insert(many), page)
            requests += [_request(row, now) for row in page]
        everything = select(*copied).select_from(many.join(model, model.c.id == result.created[0]))
        session.execute(insert(Action).from_select([c.name for c in columns], everything))
        session.execute(insert(ApprovalRequest), requests)
        many.drop(session.connection())
    _settle(store)


def _settle(store: Store) -> None:
    """What PostgreSQL does by itself within a minute of so many new rows: without it every plan is a guess."""
    if store.engine != "postgresql":
        return
    engine = create_engine(store.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"VACUUM (ANALYZE) {SCHEMA}.actions, {SCHEMA}.approval_requests"))


@contextmanager
def _roomy(session: Session, engine: str) -> Iterator[None]:
    """SQLite with memory for its indexes while rows come in no order; afterwards as before."""
    if engine != "sqlite":
        yield
        return
    before = session.scalar(text("PRAGMA cache_size"))
    session.execute(text("PRAGMA cache_size = -300000"))
    yield
    session.execute(text(f"PRAGMA cache_size = {before}"))


def bench_draft(now: datetime, number: int | None = None) -> ActionDraft:
    """What every copy says, about the model product or the one of this number."""
    handle = "model" if number is None else f"model-{number}"
    return ActionDraft(
        kind="seo_ctr",
        subtype="title",
        source="seo_ctr/1",
        title="Say in the search result what the page sells",
        rationale="The page ranks at 3.2 on average, where other pages win 8.9 % of the searches. It wins 4.1 %.",
        why_now="Impressions grew by 18 % against the four weeks before while the click rate fell.",
        target=Target(
            type="product",
            gid=f"gid://shopify/Product/{handle}",
            url=f"https://www.bench.example/products/{handle}",
            handle=handle,
        ),
        draft={"title": "AN-6 PTFE fuel line kit, 20 ft", "variants": {"title": ["one", "two", "three"]}},
        diff=(FieldChange(field="seo.title", before="Fuel line kit", after="AN-6 PTFE fuel line kit, 20 ft"),),
        evidence=tuple(
            Evidence(
                name=name,
                source="marts.fct_page_performance",
                value=0.041,
                unit="ratio",
                baseline=0.089,
                start=now.date() - timedelta(days=30),
                end=now.date() - timedelta(days=3),
            )
            for name in ("CTR", "Clicks", "Position", "Impressions", "Conversion rate")
        ),
        confidence=0.8,
        ease=1.0,
        impact=Impact(
            metric="clicks",
            delta=20,
            low=10,
            high=30,
            unit="clicks",
            revenue_28d=40.0,
            revenue_low=20.0,
            revenue_high=60.0,
        ),
        score=0.0,
        factors={"revenue_28d": 40.0, "confidence": 0.8, "ease": 1.0, "win_rate": 1.0},
        ranking_version="bench",
        rollback_plan="Write the old title back.",
    )


def _rows(
    count: int, chance: random.Random, now: datetime, resources: int, scores: int
) -> Iterator[dict[str, Any]]:
    for number in range(count):
        # One recommender has most of the queue and the highest scores, as happens.
        recommender = chance.choice(("seo_ctr",) * 6 + RECOMMENDERS)
        state = "pending" if chance.random() < 0.5 else chance.choice(ACTION_STATES)
        at = now - timedelta(minutes=chance.randrange(60 * 24 * 6))
        day: date = now.date() - timedelta(days=7 + chance.randrange(15))
        worth = chance.randrange(scores) * (5 if recommender == "seo_ctr" else 1)
        risk = chance.choice(("low", "medium", "high"))
        yield {
            "id": str(uuid.UUID(int=chance.getrandbits(128))),
            "ref": f"{number:012d}",
            "kind": recommender,
            "recommender": recommender,
            "state": state,
            "score": worth / 100,
            "tie_break": tie_break([{"end": day.isoformat()}], risk, at),
            "risk_tier": risk,
            "resource_gid": f"gid://shopify/Product/{chance.randrange(resources)}",
            "fields": chance.choice(FIELDS),
            "created_at": at,
            "updated_at": at,
            "state_at": at,
            "expires_at": at + timedelta(days=7) if chance.random() < 0.9 else now - timedelta(hours=1),
            "priority": chance.choice(("critical", "high", *("medium",) * 5, *("low",) * 3)),
        }


def _request(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The question about the action, answered where its state says so."""
    terms = shipped().terms(row["kind"], "title", row["risk_tier"])
    status = _ANSWERED.get(row["state"], "expired" if row["state"] == "expired" else "pending")
    answer: dict[str, Any] = dict.fromkeys(("decision", "decided_by", "decided_at", "channel"))
    if status in _ANSWERED.values():
        decision = "approve" if status == "approved" else "reject"
        at = row["created_at"] + (now - row["created_at"]) / 2
        answer = {"decision": decision, "decided_by": "bench", "decided_at": at, "channel": "console"}
    return {
        "id": row["id"],
        "action_id": row["id"],
        "version": 1,
        "trace_id": row["id"],
        "requester": row["recommender"],
        "status": status,
        "priority": row["priority"],
        "digest": "0" * 64,
        "created_at": row["created_at"],
        "terms": terms.model_dump(mode="json"),
        "policy_version": 0,
        "due_at": row["created_at"] + shipped().answer_within(terms, row["priority"]),
        "expires_at": row["expires_at"],
        **answer,
    }
