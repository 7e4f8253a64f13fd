"""The settings tree: where values come from, and that a mistake is named in full."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.approvals.sessions import PROOF_LASTS
from growth_pipelines.errors import SettingsError
from growth_pipelines.policies.terms import LONGEST_AUTOMATIC
from growth_pipelines.settings import described, flat_keys, load_settings, variable_name


def test_environment_wins_over_yaml_and_yaml_over_defaults(tmp_path: Path) -> None:
    (tmp_path / "growth.yaml").write_text("shop: {domain: a.example, currency: EUR}\nconsole: {port: 9000}\n")
    settings = load_settings({"GROWTH_HOME": str(tmp_path), "GROWTH_SHOP__DOMAIN": "b.example"})
    assert (settings.shop.domain, settings.shop.currency, settings.console.port) == ("b.example", "EUR", 9000)
    assert settings.dagster.port == 3000


def test_unknown_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="GROWTH_SHOPIFY__ACCES_TOKEN"):
        load_settings({"GROWTH_SHOPIFY__ACCES_TOKEN": "x"})


def test_unknown_key_in_the_file_is_named_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "growth.yaml").write_text("shop: {domian: a.example}\n")
    with pytest.raises(SettingsError, match=r"shop\.domian"):
        load_settings({"GROWTH_HOME": str(tmp_path)})


def test_an_unknown_time_zone_is_named() -> None:
    with pytest.raises(SettingsError, match=r"GROWTH_SHOP__TIMEZONE.*'Denver' is no IANA time zone"):
        load_settings({"GROWTH_SHOP__TIMEZONE": "Denver"})


@pytest.mark.parametrize(
    ("said", "zone"),
    [('{"timezone": "America/Denver"}', "America/Denver"), ('{"timezone": "x"}', "UTC"), ("{", "UTC")],
)
def test_the_zone_is_what_the_shop_said_unless_it_is_set(tmp_path: Path, said: str, zone: str) -> None:
    home = {"GROWTH_HOME": str(tmp_path)}
    assert load_settings(home).zone == "UTC"
    (tmp_path / "shop.json").write_text(said)
    assert load_settings(home).zone == zone
    assert load_settings({**home, "GROWTH_SHOP__TIMEZONE": "Asia/Tokyo"}).zone == "Asia/Tokyo"


def test_a_home_below_the_users_own_folder_has_its_file_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "growth.yaml").write_text("console: {port: 9000}\n")
    assert load_settings({"GROWTH_HOME": "~"}).console.port == 9000


def test_unresolved_reference_is_named(tmp_path: Path) -> None:
    (tmp_path / "growth.yaml").write_text("shopify: {access_token: '${SHOP_TOKEN}'}\n")
    with pytest.raises(SettingsError, match=r"shopify\.access_token.*SHOP_TOKEN"):
        load_settings({"GROWTH_HOME": str(tmp_path)})
    settings = load_settings({"GROWTH_HOME": str(tmp_path), "SHOP_TOKEN": "s3cret"})
    assert settings.shopify.access_token.get_secret_value() == "s3cret"


@pytest.mark.parametrize("text", ["shop: [", "- a\n- b\n", "shop: {domain: [1]}\n"])
def test_broken_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "growth.yaml").write_text(text)
    with pytest.raises(SettingsError):
        load_settings({"GROWTH_HOME": str(tmp_path)})


def test_wrong_value_names_the_variable_and_what_is_allowed() -> None:
    with pytest.raises(SettingsError, match=r"GROWTH_ACTIONS__MODE.*'observe', 'propose' or 'live'"):
        load_settings({"GROWTH_ACTIONS__MODE": "yolo"})


def test_secrets_are_masked_and_sources_are_told(tmp_path: Path) -> None:
    (tmp_path / "growth.yaml").write_text("console: {port: 9000}\n")
    environ = {"GROWTH_HOME": str(tmp_path), "GROWTH_SHOPIFY__ACCESS_TOKEN": "shpat_abc"}
    rows = {row["key"]: row for row in described(load_settings(environ), environ)}
    assert rows["GROWTH_SHOPIFY__ACCESS_TOKEN"]["value"] == "***"
    assert rows["GROWTH_SHOPIFY__ACCESS_TOKEN"]["source"] == "environment"
    assert rows["GROWTH_CONSOLE__PORT"]["source"] == "growth.yaml"
    assert rows["GROWTH_DAGSTER__PORT"]["source"] == "default"
    assert all(row["meaning"] for row in rows.values())
    assert "shpat_abc" not in repr(load_settings(environ))


@given(st.lists(st.from_regex(r"[a-z0-9][a-z0-9 ]{0,8}[a-z0-9]", fullmatch=True), max_size=5))
def test_lists_come_from_comma_separated_text(words: list[str]) -> None:
    assert load_settings({"GROWTH_SHOP__BRAND_TERMS": ", ".join(words)}).shop.brand_terms == words


def test_every_key_is_read_somewhere() -> None:
    """A setting that nothing reads is a promise that nothing keeps."""
    package = Path(load_settings.__code__.co_filename).parent
    read: set[str] = set()
    for file in package.rglob("*.py"):
        if file.name == "settings.py" and file.parent == package:
            tree = ast.parse(file.read_text())
            bodies = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        else:
            bodies = [ast.parse(file.read_text())]
        for body in bodies:
            for node in ast.walk(body):
                if isinstance(node, ast.Attribute):
                    read.add(node.attr)
    unread = [variable_name(path) for path, _ in flat_keys() if path[-1] not in read]
    assert unread == []


def test_what_approvals_take_for_granted_is_what_settings_say() -> None:
    settings = load_settings({})
    assert settings.console.proof_lasts == PROOF_LASTS
    assert settings.actions.automatic_longest == LONGEST_AUTOMATIC
