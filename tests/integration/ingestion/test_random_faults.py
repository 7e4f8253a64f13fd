"""One request in ten fails, in every way that the real APIs fail: nothing is lost, doubled, rushed or told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from growth_pipelines.ingestion.run import ingest
from growth_pipelines.sandbox.faults import KINDS
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.telemetry import configure_logging
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.raw_tables import BY_NAME
from tests.integration.ingestion.conftest import COUNTED, QUICK, raw_rows

pytestmark = pytest.mark.xdist_group("random_faults")
# Every stream by every way: tokens that expire, bulk operations that fail, some months of history.
PATIENT = {
    **QUICK,
    "GROWTH_SHOPIFY__ACCESS_TOKEN": "",
    "GROWTH_SHOPIFY__CLIENT_ID": "sandbox-client",
    "GROWTH_SHOPIFY__CLIENT_SECRET": "sandbox-secret",
    "GROWTH_SHOPIFY__BULK_FROM_ORDERS": "0",
    "GROWTH_SHOPIFY__BULK_STUCK_SECONDS": "1.5",
    "GROWTH_SEARCH_CONSOLE__LOAD_QUOTA_PAUSE_SECONDS": "0.5",
    "GROWTH_INGESTION__DEADLINE_SECONDS": "300",
    "GROWTH_LOG_LEVEL": "debug",
}
SECRETS = ("sandbox-secret", "sandbox-google", "sandbox-key", "shpat_")
# Lab runs are measurements: each is its own row.
MEASURED = ("psi_runs",)


@pytest.fixture(scope="module")
def shop(start_sandbox: Callable[..., Any]) -> Any:
    size = ("--orders", "300", "--products", "40", "--months", "8")
    return start_sandbox("--seed", "11", *size, "--today", "2026-11-22")


@pytest.fixture(scope="module")
def undisturbed(shop: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    settings = shop.settings(tmp_path_factory.mktemp("undisturbed"), **PATIENT)
    ingest(settings)
    return raw_rows(settings)


@pytest.fixture
def failing(shop: Any) -> Iterator[Callable[[int], None]]:
    """Switches the sandbox to one failure in ten, by seed."""

    def switch(seed: int, rate: float = 0.1) -> None:
        answer = httpx.post(
            f"{shop.base_url}/_sandbox/fault_rate", json={"rate": rate, "seed": seed}, trust_env=False
        )
        answer.raise_for_status()

    yield switch
    switch(0, 0.0)


def score(shop: Any) -> dict[str, Any]:
    found: dict[str, Any] = shop.state()["faults"]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "engine"),
    [
        (1, "duckdb"),
        pytest.param(2, "duckdb", marks=pytest.mark.thorough),
        pytest.param(3, "postgres", marks=pytest.mark.postgres),
    ],
)
def test_the_warehouse_ends_as_if_nothing_had_failed(
    seed: int,
    engine: str,
    shop: Any,
    failing: Callable[[int], None],
    undisturbed: dict[str, Any],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
) -> None:
    more = {"GROWTH_DATABASE_URL": request.getfixturevalue("postgres_url")} if engine == "postgres" else {}
    settings = load_settings(shop.environment(tmp_path, **PATIENT, **more))
    configure_logging(settings.home / "logs", "debug")
    before = score(shop)
    failing(seed)
    results = ingest(settings)
    after = score(shop)

    rows = raw_rows(settings)
    for table in undisturbed:
        if table not in MEASURED:
            assert rows[table] == undisturbed[table], table
    struck = {kind: after["struck"].get(kind, 0) - before["struck"].get(kind, 0) for kind in after["struck"]}
    assert sum(struck.values()) >= 20, struck
    assert sum(result.retries + result.throttled for result in results) >= 10
    assert after["retry_after_violations"] == before["retry_after_violations"], after["early_requests"]
    assert after["secrets_in_urls"] == 0
    assert_true(settings, shop.truth["counts"])
    assert_nothing_told(settings, capfd)


def assert_true(settings: Settings, truth: dict[str, Any]) -> None:
    """To the row and the cent, and nothing twice."""
    counted = {
        "orders": "orders",
        "order_lines": "lines",
        "refunds": "refunds",
        "refund_lines": "refund_lines",
        "order_transactions": "transactions",
        "customers": "customers",
        "products": "products",
        "product_variants": "variants",
        "inventory_levels": "inventory_levels",
        "abandoned_checkouts": "abandoned_checkouts",
        "discounts": "discount_nodes",
        "redirects": "redirects",
        "metaobjects": "metaobjects",
    }
    with Warehouse.of(settings).write() as connection:
        for table, count in counted.items():
            assert connection.execute(f"select count(*) from raw.{table}").fetchone() == (truth[count],), table
            key = ", ".join(BY_NAME[table].key)
            twice = (
                f"select count(*) from (select {key} from raw.{table} group by {key} having count(*) > 1) as twice"
            )
            assert connection.execute(twice).fetchone() == (0,), table
        orders, gross, discounts = connection.execute(COUNTED).fetchone()
    assert (orders, gross, discounts) == (
        truth["orders_counted"],
        Decimal(truth["gross"]),
        Decimal(truth["discounts"]),
    )


def assert_nothing_told(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    """No secret in what was logged, printed or stored, state and notes of runs included."""
    captured = capfd.readouterr()
    texts = [captured.out, captured.err]
    for path in settings.home.rglob("*"):
        if path.is_file() and path.parent.name != "secrets":
            content = path.read_bytes()
            texts.append(content.decode("utf-8", "replace"))
    with Warehouse.of(settings).write() as connection:
        texts.append(str(connection.execute("select notes, failure from raw._ingest_run").fetchall()))
    budgets = settings.home / "budgets.sqlite"
    if budgets.exists():
        with sqlite3.connect(budgets) as database:
            texts.append("\n".join(database.iterdump()))
    for secret in SECRETS:
        assert not any(secret in text for text in texts), secret


@pytest.mark.slow
def test_every_kind_of_failure_has_struck(shop: Any, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    """The classes that chance left out in the runs above, one after the other."""
    missing = [kind for kind, rule in KINDS.items() if rule.at_random and not score(shop)["struck"].get(kind)]
    settings = shop.settings(tmp_path, **PATIENT)
    httpx.post(
        f"{shop.base_url}/_sandbox/faults",
        json={"faults": [{"kind": kind} for kind in missing]},
        trust_env=False,
    ).raise_for_status()
    ingest(settings)
    rows = raw_rows(settings)
    for table in undisturbed:
        if table not in MEASURED:
            assert rows[table] == undisturbed[table], table
    assert [kind for kind in missing if not score(shop)["struck"].get(kind)] == []
