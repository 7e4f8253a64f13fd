"""A machine as Dagster sees it: the real definitions on a real instance, a shop to write to, one proposal."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from growth_pipelines.actions.lifecycle import SubmitRules, submit
from growth_pipelines.actions.model import ActionDraft, Evidence, FieldChange, Impact, Target
from growth_pipelines.approvals.decide import DecisionRequest, SignatureProof, decide
from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.approvals.signatures import DecisionRecord, sign
from growth_pipelines.defs.build import build_defs
from growth_pipelines.defs.instance import open_instance
from growth_pipelines.defs.launch import RunSummary, run_stages
from growth_pipelines.defs.machine import Machine
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action
from tests.conftest import SandboxShop
from tests.new_stores import new_store

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRODUCTS = "query P { products(first: 60) { nodes { id handle title seo { title description } } } }"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


SHORT = {"GROWTH_NOW": NOW.isoformat(), "GROWTH_SEARCH_CONSOLE__HISTORY_DAYS": "60"}


@dataclass(frozen=True)
class Cycled:
    """The home of a machine that has run a whole cycle, what the run said at its end and what meanwhile.

    Tests work on copies; those of the group ``cycled`` share one.
    """

    home: Path
    summary: RunSummary
    seen: list[tuple[str, str, float | None]]


@pytest.fixture(scope="session")
def cycled(small_shop: SandboxShop, tmp_path_factory: pytest.TempPathFactory) -> Cycled:
    home, seen = tmp_path_factory.mktemp("cycled") / "home", []
    summary = run_stages(small_shop.settings(home, **SHORT), on_progress=lambda *step: seen.append(step))
    assert summary.ok, summary.error
    return Cycled(home, summary, seen)


@pytest.fixture(scope="session")
def writable_shop(start_sandbox: Callable[..., SandboxShop]) -> SandboxShop:
    return start_sandbox("--seed", "3", "--orders", "60", "--products", "60", "--today", "2026-11-22")


@pytest.fixture(scope="session")
def products(writable_shop: SandboxShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Products that no test has touched yet."""
    with ShopifyClient(writable_shop.settings(tmp_path_factory.mktemp("products"))) as client:
        nodes = client.execute_text(PRODUCTS)["products"]["nodes"]
    return iter(nodes)


@dataclass
class Desk:
    """What the tests do with the machine, in its operator's words."""

    shop: SandboxShop
    settings: Settings
    instance: dg.DagsterInstance
    products: Iterator[dict[str, Any]]
    _seconds: Iterator[int] = field(default_factory=itertools.count)

    @property
    def machine(self) -> Machine:
        return Machine(self.settings)

    @property
    def store(self) -> Store:
        return Store.of(self.settings)

    @cached_property
    def defs(self) -> dg.Definitions:
        return build_defs(self.settings)

    # -- proposing and deciding -----------------------------------------------------------------------------

    def propose(self) -> Action:
        """One proposal, stored and shown in Dagster as its recommender would."""
        product = next(self.products)
        result = submit(
            self.store,
            [seo_draft(product)],
            recommender="seo_ctr",
            shop_id="hot-rod-parts.myshopify.com",
            now=NOW,
            rules=SubmitRules(),
        )
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization("seo_ctr_recommendations", metadata={"digest": result.batch_digest})
        )
        return self.action(result.created[0])

    def action(self, identity: str) -> Action:
        with self.store.read() as session:
            return session.get_one(Action, identity)

    def record(
        self, action: Action, decision: str = "approve", operator: str = "ada", **more: Any
    ) -> DecisionRecord:
        """A decision record, signed with the operator's key."""
        unsigned = DecisionRecord(
            action_id=action.id,
            version=action.version,
            digest=action.digest,
            decision=decision,
            operator=operator,
            expires_at=NOW + timedelta(minutes=5, seconds=next(self._seconds)),
            **more,
        )
        return sign(self.settings, unsigned)

    def decide(self, action: Action, decision: str = "approve", **more: Any) -> None:
        """Decide outside of Dagster, as the terminal does."""
        record = self.record(action, decision, **more)
        decide(self.store, self.settings, DecisionRequest.of(record), SignatureProof(record), NOW)

    # -- what Dagster does ----------------------------------------------------------------------------------

    def run(self, job: str, **more: Any) -> dg.ExecuteInProcessResult:
        return self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance, run_config=QUIET, raise_on_error=False, **more
        )

    def tick(self, sensor: str, cursor: str | None = None) -> dg.SensorResult:
        """One evaluation of a sensor; an answer that is not a SensorResult is put into one."""
        with dg.build_sensor_context(
            instance=self.instance, cursor=cursor, resources={"machine": self.machine}
        ) as context:
            answer: Any = self.defs.get_sensor_def(sensor)(context)
        if isinstance(answer, dg.SensorResult):
            return answer
        if isinstance(answer, dg.RunRequest):
            return dg.SensorResult([answer])
        return dg.SensorResult(skip_reason=answer)

    def gate(self) -> dg.AssetCheckEvaluation:
        """The newest result of the approval gate."""
        key = dg.AssetCheckKey(dg.AssetKey("seo_ctr_recommendations"), "approved_by_operator")
        [record] = self.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        assert record.event is not None
        evaluation: Any = record.event.dagster_event.event_specific_data
        return evaluation

    def writes(self, action: Action) -> list[dict[str, Any]]:
        return [w for w in self.shop.state()["writes"] if w["gid"] == action.resource_gid]


def seo_draft(product: dict[str, Any]) -> ActionDraft:
    title = f"Buy {product['title'][:50]} today"
    before = product["seo"]["title"] or ""
    return ActionDraft(
        kind="seo_ctr",
        subtype="title",
        source="seo_ctr/1",
        title=f"Better title for {product['title']}",
        rationale="The snippet wins fewer clicks than its rank deserves.",
        why_now="28 days of data.",
        target=Target(
            type="product", gid=product["id"], url=f"/products/{product['handle']}", handle=product["handle"]
        ),
        draft={"title": title},
        diff=(FieldChange(field="seo.title", before=before, after=title),),
        evidence=(
            Evidence(
                name="ctr", source="marts.fct_page_performance", start=date(2026, 10, 22), end=date(2026, 11, 19)
            ),
        ),
        confidence=0.8,
        ease=1.0,
        impact=Impact(
            metric="clicks",
            delta=20,
            low=5,
            high=35,
            unit="clicks",
            revenue_28d=40,
            revenue_low=10,
            revenue_high=70,
        ),
        score=32,
        factors={"revenue_28d": 40, "confidence": 0.8, "ease": 1, "win_rate": 1},
        ranking_version="test",
        rollback_plan="Write the old title back.",
    )


@contextmanager
def desk_in(home: Path, shop: SandboxShop, products: Iterator[dict[str, Any]], **more: str) -> Iterator[Desk]:
    """A machine in ``home`` with one operator, ada."""
    variables = {"GROWTH_NOW": NOW.isoformat(), "GROWTH_ACTIONS__MODE": "live", "GROWTH_OPERATOR": "ada", **more}
    settings = shop.settings(home, **variables)
    add_operator(new_store(settings), settings, "ada", "operator", NOW)
    with pytest.MonkeyPatch.context() as patch:
        # Dagster's own processes read the same machine from the environment.
        for name, value in shop.environment(home, **variables).items():
            patch.setenv(name, value)
        with open_instance(settings) as instance:
            yield Desk(shop, settings, instance, products)


@pytest.fixture
def desk(tmp_path: Path, writable_shop: SandboxShop, products: Iterator[dict[str, Any]]) -> Iterator[Desk]:
    with desk_in(tmp_path / "home", writable_shop, products) as desk:
        yield desk
