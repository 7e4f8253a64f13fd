"""``growth doctor`` finds what is missing, says what to do, and fails when something must be done."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.cli import growth
from growth_pipelines.commands.doctor import clock_finding, diagnose
from growth_pipelines.ingestion.results import IngestError
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.settings import load_settings
from growth_pipelines.store.database import Store

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture
def environment(small_shop: Any, tmp_path: Path) -> dict[str, str]:
    """A machine in good health."""
    variables = small_shop.environment(
        tmp_path,
        GROWTH_OPERATOR="olga",
        GROWTH_CONSOLE__PORT=free_port(),
        GROWTH_DAGSTER__PORT=free_port(),
    )
    settings = load_settings(variables)
    add_operator(Store.of(settings), settings, "olga", "operator", NOW)
    return variables


def sick(environment: dict[str, str], **changes: str) -> dict[str, tuple[str, str]]:
    """What is not ok, by check, as (state, found and advice)."""
    findings = diagnose(load_settings({**environment, **changes}))
    return {f.check: (f.state, f"{f.found} {f.advice}") for f in findings if f.state != "ok"}


def test_a_healthy_machine_has_nothing_to_do(environment: dict[str, str]) -> None:
    assert sick(environment) == {}


@pytest.mark.parametrize(
    ("change", "check", "says"),
    [
        ({"GROWTH_SHOPIFY__ACCESS_TOKEN": "wrong"}, "shopify", "GROWTH_SHOPIFY__ACCESS_TOKEN"),
        ({"GROWTH_SHOPIFY__BASE_URL": "http://127.0.0.1:9"}, "shopify", "no connection"),
        ({"GROWTH_SEARCH_CONSOLE__ACCESS_TOKEN": "wrong"}, "search console", "refused"),
        ({"GROWTH_SEARCH_CONSOLE__SITE_URL": "sc-domain:other.example"}, "search console", "is not readable"),
        ({"GROWTH_WEB_VITALS__API_KEY": ""}, "web vitals", "GROWTH_WEB_VITALS__API_KEY"),
        ({"GROWTH_OPERATOR": "nobody"}, "operator", "GROWTH_OPERATOR"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(
    environment: dict[str, str], change: dict[str, str], check: str, says: str
) -> None:
    found = sick(environment, **change)
    assert found[check][0] == "fail"
    assert says in found[check][1]


def test_a_missing_scope_fails_only_for_what_needs_it(
    start_sandbox: Callable[..., Any], environment: dict[str, str]
) -> None:
    shop = start_sandbox(
        "--orders", "20", "--products", "60", "--without-scope", "read_reports", "--without-scope", "write_files"
    )
    reduced = {**environment, **shop.environment(Path(environment["GROWTH_HOME"]))}
    states = {f.found.split()[0]: f.state for f in diagnose(load_settings(reduced)) if f.check == "scope"}
    assert states == {"read_reports": "warn", "write_files": "warn"}
    live = load_settings({**reduced, "GROWTH_ACTIONS__MODE": "live"})
    states = {f.found.split()[0]: f.state for f in diagnose(live) if f.check == "scope"}
    assert states == {"read_reports": "warn", "write_files": "fail"}


def test_a_missing_scope_is_named_once_with_what_follows_from_it(
    start_sandbox: Callable[..., Any], environment: dict[str, str]
) -> None:
    shop = start_sandbox("--orders", "20", "--products", "60", "--without-scope", "read_all_orders")
    reduced = {**environment, **shop.environment(Path(environment["GROWTH_HOME"]))}
    found = [f.found for f in diagnose(load_settings(reduced))]
    said = [text for text in found if "read_all_orders" in text]
    assert said == ["read_all_orders is missing: only the last 60 days of orders can be read"]


def test_late_and_failed_streams_are_named(environment: dict[str, str]) -> None:
    settings = load_settings({**environment, "GROWTH_NOW": "2026-11-22T12:00:00+00:00"})
    ingest(settings, ["redirects", "pages"])
    refused = load_settings({**environment, "GROWTH_SEARCH_CONSOLE__ACCESS_TOKEN": "wrong"})
    with pytest.raises(IngestError):
        ingest(refused, ["search_property"])
    later = diagnose(load_settings({**environment, "GROWTH_NOW": "2026-11-24T12:00:00+00:00"}))
    said = {f.found.split()[0]: (f.state, f.found) for f in later if f.check == "stream"}
    assert {"redirects", "pages", "search_property"} <= set(said)
    assert said["pages"] == ("warn", "pages is late: 2 d of 26 h behind")
    assert said["search_property"][1].startswith("search_property is failed: ")


def test_beacons_are_said_to_be_on_or_off(environment: dict[str, str]) -> None:
    def beacons(**more: str) -> str:
        return next(f.found for f in diagnose(load_settings({**environment, **more})) if f.check == "beacons")

    assert beacons().startswith("off")
    assert beacons(GROWTH_WEB_VITALS__BEACONS="true").startswith("on")


def test_a_taken_port_names_its_setting(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environment["GROWTH_CONSOLE__PORT"])))
        taken.listen()
        state, said = sick(environment)["ports"]
    assert state == "fail"
    assert "GROWTH_CONSOLE__PORT" in said


def test_a_key_that_others_can_read_fails(environment: dict[str, str]) -> None:
    (Path(environment["GROWTH_HOME"]) / "operators" / "olga.key").chmod(0o644)
    assert "chmod 600" in sick(environment)["operator"][1]


@pytest.mark.parametrize(
    ("ahead", "state", "said"),
    [(5, "ok", "as the shop's"), (120, "fail", "120 s ahead"), (-90, "fail", "90 s behind")],
)
def test_the_clock_is_compared_with_the_shop_s(ahead: int, state: str, said: str) -> None:
    finding = clock_finding(NOW + timedelta(seconds=ahead), NOW, "UTC")
    assert finding.state == state
    assert said in finding.found


def test_the_exit_code_tells(environment: dict[str, str]) -> None:
    healthy = CliRunner().invoke(growth, ["doctor", "--json"], env=environment)
    assert healthy.exit_code == 0, healthy.output
    assert {finding["state"] for finding in json.loads(healthy.stdout)} == {"ok"}
    assert CliRunner().invoke(growth, ["doctor"], env={**environment, "GROWTH_OPERATOR": "x"}).exit_code == 1


def test_pausing_and_resuming_from_the_command_line(environment: dict[str, str]) -> None:
    def run(*arguments: str, **more: str) -> tuple[int, str]:
        result = CliRunner().invoke(growth, list(arguments), env={**environment, **more})
        return result.exit_code, str(result.exception or result.output)

    assert run("pause", "--reason", "wrong prices", GROWTH_OPERATOR="")[0] == 0
    code, said = run("resume", "--reason", "checked", GROWTH_OPERATOR="")
    assert (code, "GROWTH_OPERATOR" in said) == (1, True)
    assert run("resume")[0] == 2  # a reason is needed
    assert "wrong prices" in sick(environment)["writes"][1]
    assert run("resume", "--reason", "checked") == (0, "Resumed: approved actions are written again.\n")
    assert "writes" not in sick(environment)
