"""Wrong settings, an unreachable shop, a refused token, broken files: one clear line, and nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import SandboxShop

from .machine import Machine


def _one_line(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.startswith("growth: ")]
    assert len(lines) == 1, stderr
    assert "Traceback" not in stderr
    return lines[0]


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("GROWTH_SHOPIFI__BASE_URL", "x", "GROWTH_SHOPIFI__BASE_URL"),
        ("GROWTH_ACTIONS__MODE", "yolo", "'observe', 'propose' or 'live'"),
        ("GROWTH_CONSOLE__PORT", "eighty", "GROWTH_CONSOLE__PORT"),
        ("GROWTH_NOW", "yesterday", "GROWTH_NOW"),
        ("GROWTH_SHOPIFY__API_VERSION", "latest", "GROWTH_SHOPIFY__API_VERSION"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, variable: str, value: str, says: str) -> None:
    result = Machine({"GROWTH_HOME": str(tmp_path), variable: value}).run("settings", check=False)
    assert result.returncode != 0
    assert says in _one_line(result.stderr)


def test_no_shop_configured_is_told(tmp_path: Path) -> None:
    result = Machine({"GROWTH_HOME": str(tmp_path)}).run("ingest", "shop", check=False)
    assert result.returncode != 0
    assert "GROWTH_SHOP__DOMAIN" in _one_line(result.stderr)


def test_an_unreachable_shop_is_told(tmp_path: Path, small_shop: SandboxShop) -> None:
    environment = small_shop.environment(tmp_path, GROWTH_INGESTION__DEADLINE_SECONDS="2")
    environment["GROWTH_SHOPIFY__BASE_URL"] = "http://127.0.0.1:9"
    result = Machine(environment).run("ingest", "products", check=False)
    assert result.returncode != 0
    assert "127.0.0.1:9" in _one_line(result.stderr)


@pytest.mark.parametrize(
    ("variable", "stream"),
    [
        ("GROWTH_SHOPIFY__ACCESS_TOKEN", "products"),
        ("GROWTH_SEARCH_CONSOLE__ACCESS_TOKEN", "search_property"),
    ],
)
def test_a_refused_token_is_told(tmp_path: Path, small_shop: SandboxShop, variable: str, stream: str) -> None:
    environment = small_shop.environment(tmp_path) | {variable: "wrong"}
    result = Machine(environment).run("ingest", stream, check=False)
    assert result.returncode != 0
    assert "refused" in _one_line(result.stderr)
    assert "wrong" not in result.stderr.replace("what went wrong", "")


def test_nothing_is_left_of_a_refused_run(tmp_path: Path, small_shop: SandboxShop) -> None:
    environment = small_shop.environment(tmp_path)
    Machine(environment | {"GROWTH_SHOPIFY__ACCESS_TOKEN": "wrong"}).run("ingest", "products", check=False)
    status = {row["stream"]: row for row in Machine(environment).json("ingest", "status")}
    assert not status.get("products", {}).get("covered_to")
    Machine(environment).run("ingest", "products")
    status = {row["stream"]: row for row in Machine(environment).json("ingest", "status")}
    assert status["products"]["covered_to"]
