"""A machine with a store, an operator and a shop to write to, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from growth_pipelines.actions.execution import ExecutionResult, execute_approved
from growth_pipelines.actions.executors.surfaces import IMAGE_SURFACE, SEO_SURFACES
from growth_pipelines.actions.lifecycle import SubmitRules, submit
from growth_pipelines.actions.model import ActionDraft, Evidence, FieldChange, Impact, Target
from growth_pipelines.actions.rollback import roll_back
from growth_pipelines.approvals.decide import DecisionRequest, DecisionResult, SignatureProof, decide
from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.approvals.signatures import DecisionRecord, sign
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, AuditEvent, Execution
from tests import loopback
from tests.new_stores import new_store

from .interceptor import Interceptor

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RESOURCES = """
query Resources {
  products(first: 200) { nodes { id handle title seo { title description } media(first: 1) { nodes { id alt } } } }
  collections(first: 50) { nodes { id handle title seo { title description } } }
  pages(first: 50) { nodes { id handle title ...Tags } }
  articles(first: 50) { nodes { id handle title ...Tags } }
}
fragment Tags on HasMetafields {
  seoTitle: metafield(namespace: "global", key: "title_tag") { value }
  seoDescription: metafield(namespace: "global", key: "description_tag") { value }
}
"""


@dataclass
class Shelf:
    """Resources of the module's shop that no test has touched yet: one shop has not enough for all modules."""

    nodes: dict[str, Iterator[dict[str, Any]]]

    def take(self, kind: str) -> dict[str, Any]:
        return next(self.nodes[kind])


@pytest.fixture(scope="module")
def writable_shop(start_sandbox: Callable[..., Any]) -> Any:
    return start_sandbox("--seed", "3", "--orders", "60", "--products", "200", "--today", "2026-11-22")


@pytest.fixture(scope="module")
def shelf(writable_shop: Any, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    with ShopifyClient(writable_shop.settings(tmp_path_factory.mktemp("shelf"))) as client:
        data = client.execute_text(RESOURCES)
    for node in data["pages"]["nodes"] + data["articles"]["nodes"]:
        node["seo"] = {
            "title": (node["seoTitle"] or {}).get("value"),
            "description": (node["seoDescription"] or {}).get("value"),
        }
    nodes = {kind.removesuffix("s"): iter(data[kind]["nodes"]) for kind in data}
    images = [(p, p["media"]["nodes"][0]) for p in data["products"]["nodes"] if p["media"]["nodes"]]
    # Products from the front, images of products from the back.
    nodes["image"] = iter([{**image, "handle": p["handle"]} for p, image in reversed(images)])
    return Shelf(nodes)


@dataclass
class Machine:
    """What a test does with a machine, in an operator's words."""

    shop: Any
    wire: Interceptor
    store: Store
    environment: dict[str, str]
    home: Path
    shelf: Shelf
    _minutes: Iterator[int] = field(default_factory=itertools.count)

    def settings(self, mode: str = "live", **more: str) -> Settings:
        return load_settings({**self.environment, "GROWTH_ACTIONS__MODE": mode, **more})

    # -- proposing and deciding -----------------------------------------------------------------------------

    def propose(self, draft: ActionDraft) -> Action:
        result = submit(
            self.store,
            [draft],
            recommender=draft.kind,
            shop_id="hot-rod-parts.myshopify.com",
            now=NOW,
            rules=SubmitRules(),
        )
        assert not result.refused, result.refused
        return self.action((result.created + result.revised)[0])

    def decide(self, action: Action, decision: str = "approve", **more: Any) -> DecisionResult:
        now = NOW + timedelta(seconds=next(self._minutes))
        record = DecisionRecord(
            action_id=action.id,
            version=action.version,
            digest=action.digest,
            decision=decision,
            operator="olga",
            expires_at=now + timedelta(minutes=5),
            **more,
        )
        proof = SignatureProof(sign(self.settings(), record))
        return decide(self.store, self.settings(), DecisionRequest.of(record), proof, now)

    def approved(self, draft: ActionDraft) -> Action:
        action = self.propose(draft)
        self.decide(action)
        return self.action(action.id)

    # -- acting ---------------------------------------------------------------------------------------------

    def execute(self, action: Action, mode: str = "live", now: datetime = NOW) -> ExecutionResult:
        [result] = execute_approved(self.store, self.settings(mode), only=[action.id], now=now)
        return result

    def roll_back(self, action: Action, mode: str = "live") -> ExecutionResult:
        return roll_back(self.store, self.settings(mode), action.id, now=NOW)

    def roll_back_now(self, action: Action) -> ExecutionResult:
        """An operator asks for it, and it is done."""
        self.decide(self.action(action.id), "rollback", reason="sales fell")
        return self.roll_back(action)

    def command(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """``growth …`` in a process of its own, live."""
        code = "from growth_pipelines.cli import main; main()"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GROWTH_")}
        environment |= {**self.environment, "GROWTH_ACTIONS__MODE": "live", "GROWTH_NOW": NOW.isoformat(), **more}
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    # -- looking --------------------------------------------------------------------------------------------

    def action(self, action_id: str) -> Action:
        with self.store.read() as session:
            action = session.get_one(Action, action_id)
            session.expunge_all()
            return action

    def ledger(self, action: Action) -> Execution | None:
        with self.store.read() as session:
            row = session.get(Execution, (action.id, action.version))
            session.expunge_all()
            return row

    def events(self, action: Action) -> list[str]:
        with self.store.read() as session:
            wanted = select(AuditEvent.event).where(AuditEvent.action_id == action.id).order_by(AuditEvent.seq)
            return list(session.scalars(wanted))

    def shows(self, node: dict[str, Any], kind: str = "product") -> dict[str, str]:
        """The resource's fields as they are in the shop now."""
        surface, _ = SEO_SURFACES.get(kind, IMAGE_SURFACE)
        with ShopifyClient(self.shop.settings(self.home)) as client:
            return surface.read(client, node["id"]).values

    def writes(self, gid: str) -> list[dict[str, Any]]:
        """What the shop has been told to change, field by field."""
        return [write for write in self.shop.state()["writes"] if write["gid"] == gid]

    def edit_by_hand(self, gid: str, name: str, value: str) -> None:
        edit = {"gid": gid, "field": name, "value": value}
        with loopback.client(self.shop.base_url) as client:
            client.post("/_sandbox/edit", json=edit).raise_for_status()


# On either store, a killed or disturbed run is finished by the next: test_crashes and test_execution show that. Of
# the other surfaces the same is shown on SQLite, and on PostgreSQL too by a thorough run.
SECOND_STORE_IF_THOROUGH = pytest.mark.parametrize(
    "machine",
    ["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.thorough])],
    indirect=True,
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def machine(request: pytest.FixtureRequest, tmp_path: Path, writable_shop: Any, shelf: Shelf) -> Iterator[Machine]:
    wire = Interceptor(writable_shop.base_url)
    environment = writable_shop.environment(tmp_path)
    environment["GROWTH_SHOPIFY__BASE_URL"] = wire.base_url
    environment["GROWTH_OPERATOR"] = "olga"
    if request.param == "postgres":
        environment["GROWTH_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    settings = load_settings(environment)
    store = new_store(settings)
    add_operator(store, settings, "olga", "operator", NOW)
    yield Machine(writable_shop, wire, store, environment, tmp_path, shelf)
    store.close()
    wire.close()


def seo_draft(
    node: dict[str, Any], kind: str = "product", before: dict[str, str] | None = None, **fields: str
) -> ActionDraft:
    """A seo_ctr draft that sets ``title`` and/or ``description`` of a resource."""
    seo = node.get("seo") or {}
    was = {name: seo.get(name) or "" for name in fields} | (before or {})
    diff = tuple(FieldChange(field=f"seo.{name}", before=was[name], after=after) for name, after in fields.items())
    return _draft("seo_ctr", "title" if "title" in fields else "description", kind, node, dict(fields), diff)


def image_draft(node: dict[str, Any], alt: str, steps: list[str] | None = None) -> ActionDraft:
    """A cwv_repair draft that sets the alt text of an image and, with steps, opens a task card."""
    draft: dict[str, Any] = {"media_gid": node["id"], "alt": alt}
    if steps:
        draft |= {"steps": steps, "summary": "Serve a smaller image"}
    diff = (FieldChange(field="image.alt", before=node.get("alt") or "", after=alt),)
    return _draft("cwv_repair", "image", "media_image", node, draft, diff)


def task_draft(node: dict[str, Any]) -> ActionDraft:
    """A cwv_repair draft that is all manual work."""
    draft = {"summary": "Defer the chat widget", "steps": ["Open the theme.", "Add defer to chat.js."]}
    diff = (FieldChange(field="task", before="", after="Defer the chat widget", change_type="task"),)
    return _draft("cwv_repair", "task_card", "product", node, draft, diff)


def _draft(
    kind: Any,
    subtype: str,
    target: str,
    node: dict[str, Any],
    draft: dict[str, Any],
    diff: tuple[FieldChange, ...],
) -> ActionDraft:
    return ActionDraft(
        kind=kind,
        subtype=subtype,
        source=f"{kind} 1",
        title="A better snippet",
        rationale="Its CTR is half of what its position earns.",
        why_now="Impressions grew.",
        target=Target(
            type=target,
            gid=node["id"],
            url=f"https://www.hotrodparts.example/{target}s/{node['handle']}",
            handle=node["handle"],
        ),
        draft=draft,
        diff=diff,
        evidence=(
            Evidence(
                name="ctr",
                source="fct_page_performance",
                value=0.02,
                start=date(2026, 10, 1),
                end=date(2026, 11, 1),
            ),
        ),
        confidence=0.8,
        ease=1.0,
        impact=Impact(
            metric="clicks",
            delta=20,
            low=10,
            high=30,
            unit="clicks",
            revenue_28d=40,
            revenue_low=20,
            revenue_high=60,
        ),
        score=32,
        factors={"revenue_28d": 40},
        ranking_version="1",
        rollback_plan="The old texts are written back.",
    )
