"""The pure functions are importable in under two seconds and bring nothing heavy along."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("scipy.stats", "sklearn", "statsmodels", "dagster", "dbt", "duckdb", "sqlalchemy", "httpx")


def _modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(chr(10).join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


PACKAGES = ("monitoring", "content", "experiments", "learning", "recommenders", "recommenders.registry")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_costs_nothing_until_used(package: str) -> None:
    modules = _modules_after(f"import growth_pipelines.{package}")
    assert not modules & {"numpy", "pandas", "scipy", "yaml", *HEAVY}


def test_the_functions_bring_nothing_heavy() -> None:
    code = (
        "from growth_pipelines.monitoring import detect_changes, scan_pages, find_regressions\n"
        "from growth_pipelines.content import score, check_claims\n"
        "from growth_pipelines.recommenders import seo_ctr, cwv_repair\n"
        "from growth_pipelines.experiments import compare, assign, sample_ratio_mismatch, uplift_model\n"
    )
    modules = _modules_after(code)
    assert not modules & {"scipy", *HEAVY}


def test_an_unknown_name_is_an_attribute_error() -> None:
    import growth_pipelines.content
    import growth_pipelines.experiments
    import growth_pipelines.monitoring

    for package in (growth_pipelines.content, growth_pipelines.experiments, growth_pipelines.monitoring):
        with pytest.raises(AttributeError, match="no attribute"):
            _ = package.nothing
