"""Assets that tell what was measured show it, and the handbook says how to read each and when not to."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import dagster as dg
import pytest

from growth_pipelines.defs.assets.watched import CHECK, CHECKED
from growth_pipelines.defs.build import build_defs
from growth_pipelines.defs.handbook import PAGES
from growth_pipelines.defs.instance import open_instance
from growth_pipelines.monitoring.metrics import metrics
from growth_pipelines.settings import load_settings

from .conftest import QUIET, Cycled

ROOT = Path(__file__).parents[3]
# A picture as ``display.chart`` gives it.
_PICTURE = "](data:image/svg+xml;base64,"
_LEAST_WORDS = 15


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dg.AssetSpec]:
    """The assets of the groups that have a page, by name."""
    defs = build_defs(load_settings({"GROWTH_HOME": str(tmp_path_factory.mktemp("home"))}))
    found = {s.key.path[-1]: s for s in defs.resolve_all_asset_specs() if s.group_name in PAGES}
    assert {str(spec.group_name) for spec in found.values()} == set(PAGES)
    return found


def _section(page: str, asset: str) -> str:
    """The part of the page under the heading that names the asset, up to the next heading."""
    parts = re.split(r"^#{2,3} (.+)$", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return "".join(text for heading, text in zip(parts[1::2], parts[2::2], strict=True) if f"`{asset}`" in heading)


def _words_after(mark: str, section: str) -> int:
    _, found, rest = section.partition(f"**{mark}.**")
    return len(re.split(r"\n\n|\*\*[A-Z]", rest)[0].split()) if found else 0


def test_each_points_to_a_section_that_says_how_to_read_it_and_when_not_to_trust_it(
    specs: dict[str, dg.AssetSpec],
) -> None:
    for name, spec in specs.items():
        page = PAGES[str(spec.group_name)]
        assert page in str(spec.description), name
        assert f"section `{name}`" in str(spec.description), name
        section = _section(page, name)
        assert section, f"{page} has no section `{name}`"
        for mark in ("How to read it", "When not to trust it"):
            assert _words_after(mark, section) >= _LEAST_WORDS, (name, mark)


def test_no_section_is_of_an_asset_that_is_gone(specs: dict[str, dg.AssetSpec]) -> None:
    for page in PAGES.values():
        _, _, sections = (ROOT / page).read_text(encoding="utf-8").partition("## Asset by asset in Dagster")
        inside = re.split(r"^## ", sections, flags=re.MULTILINE)[0]
        named = {
            name for heading in re.findall(r"^### (.+)$", inside, re.MULTILINE) for name in heading.split("`")
        }
        assert {name for name in named if name.isidentifier()} == {
            name for name, spec in specs.items() if PAGES[str(spec.group_name)] == page
        }


@pytest.mark.slow
@pytest.mark.xdist_group("cycled")
def test_each_materialization_of_a_cycle_carries_a_table_or_a_plot(
    cycled: Cycled, specs: dict[str, dg.AssetSpec], tmp_path: Path
) -> None:
    home = shutil.copytree(cycled.home, tmp_path / "home", symlinks=True)
    settings = load_settings({"GROWTH_HOME": str(home)})
    defs = build_defs(settings)
    with open_instance(settings) as instance:
        # These have clocks of their own, which the terminal's cycle does not wait for.
        for job in ("read_experiments", "learn_from_decisions"):
            assert defs.resolve_job_def(job).execute_in_process(instance=instance, run_config=QUIET).success
        for name, spec in specs.items():
            event = instance.get_latest_materialization_event(spec.key)
            assert event is not None, f"neither a cycle nor a clock materializes {name}"
            assert event.asset_materialization is not None
            values = event.asset_materialization.metadata.values()
            assert any(map(_is_shown, values)), name


def _is_shown(value: dg.MetadataValue) -> bool:
    """Whether it is a table whose columns say what they are, or a picture."""
    if isinstance(value, dg.TableMetadataValue):
        return len(value.schema.columns) > 1
    return isinstance(value, dg.MarkdownMetadataValue) and _PICTURE in str(value.value)


def test_every_family_of_metrics_has_its_check(specs: dict[str, dg.AssetSpec]) -> None:
    defs = build_defs(load_settings({"GROWTH_HOME": "unused"}))
    checks = defs.resolve_asset_graph().asset_check_keys
    families = {one.family for one in metrics()} | {"data", "stock", "vitals"}
    assert families <= set(CHECKED)
    assert {dg.AssetCheckKey(CHECKED[family], CHECK) for family in families} <= checks
    assert {key.path[-1] for key in CHECKED.values()} <= set(specs)
