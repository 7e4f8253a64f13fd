"""The numbers that dbt and the recommenders both rest on are the same."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from growth_pipelines.monitoring.vitals import THRESHOLDS
from growth_pipelines.recommenders.ctr_curve import PRIOR_CURVE

SEEDS = Path(__file__).parents[3] / "dbt_project" / "seeds"


def test_the_prior_curve_is_that_of_the_warehouse() -> None:
    prior = pd.read_csv(SEEDS / "ctr_prior.csv")
    assert PRIOR_CURVE.expected(prior["position_bucket"]) == pytest.approx(prior["ctr"])


def test_the_thresholds_of_web_vitals_are_those_of_the_warehouse() -> None:
    seeds = pd.read_csv(SEEDS / "vitals_thresholds.csv").set_index("metric")
    assert {metric: (seeds.loc[metric, "good_to"], seeds.loc[metric, "poor_above"]) for metric in THRESHOLDS} == (
        THRESHOLDS
    )
