"""Experiments: agreement with another library, error rates under repeated looks, assignment, pages, uplift."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from importlib.resources import files

import numpy as np

from growth_pipelines.bench.statistics.arms_over_time import TRUE_MEANS, arms_over_time
from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.page_looks import false_claims
from growth_pipelines.bench.statistics.page_looks import power as page_power
from growth_pipelines.bench.statistics.shop_pages import START, page_days, page_traffic
from growth_pipelines.experiments import (
    assign,
    assign_all,
    compare,
    difference_in_differences,
    match_pages,
    qini,
    sample_ratio_mismatch,
    sample_size,
    switchback_effect,
    switchback_schedule,
    synthetic_control,
    uplift_model,
)
from growth_pipelines.experiments.arms import Metric, UnusableSample
from growth_pipelines.experiments.comparison import Comparison, compare_to_control
from growth_pipelines.experiments.page_effects import PageEffect

LOOKS = 40


def figures(runs: int, tell: Callable[[str], None]) -> list[Figure]:
    """All of them; the simulations take ``runs`` experiments each, those with pages a quarter of it."""
    tell("comparisons known from another library")
    found = [Figure("largest relative difference from gbstats", agreement(), most=1e-6)]
    for metric in TRUE_MEANS:
        tell(f"{runs:,} experiments by {metric}, {LOOKS} looks at each")
        found += looked_at(metric, runs)
    found += rare_conversions(runs)
    tell("sizes of arms")
    found += mismatches(10 * runs)
    found += planned_power(runs)
    tell("assignment")
    found += assignment(20_000)
    tell(f"{runs // 4:,} page split tests")
    found += page_tests(runs // 4)
    tell(f"{3 * (runs // 4):,} page split tests at their planned looks")
    found += false_claims(runs // 4) + page_power(runs // 4)
    tell("switchbacks and uplift")
    return found + switchbacks(runs) + uplift(max(4, runs // 10))


def agreement() -> float:
    """Largest difference, relative to 1 or to the figure, of 16 comparisons from gbstats' (GrowthBook, MIT)."""
    known = json.loads(files(__package__).joinpath("known_comparisons.json").read_text(encoding="utf-8"))
    worst = 0.0
    for one in known:
        kind = {key: one[key] for key in ("metric", "relative", "sequential")}
        found = compare(one["control"], one["treatment"], **kind)
        for field, expected in one["expected"].items():
            worst = max(worst, abs(getattr(found, field) - expected) / max(1.0, abs(expected)))
    return worst


def looked_at(metric: Metric, runs: int, units_a_look: int = 100, lift: float = 0.1) -> list[Figure]:
    """Any of 40 looks wrong: calls of a difference where there is none, and intervals without the truth."""
    called, called_naively, missed, missed_at_the_end = 0, 0, 0, 0
    for run in range(runs):
        read = _readings(metric, units_a_look, 0.0, run, relative=False)
        called += any(always.p_value <= 0.05 for always, _ in read)
        called_naively += any(fixed.p_value <= 0.05 for _, fixed in read)
        read = _readings(metric, units_a_look, lift, run + runs, relative=True)
        missed += any(not always.ci_low <= lift <= always.ci_high for always, _ in read)
        last = read[-1][1]
        missed_at_the_end += not last.ci_low <= lift <= last.ci_high
    return [
        Figure(f"{metric}: false positives of {LOOKS} looks, always valid", called / runs, most=0.05),
        Figure(f"{metric}: false positives of {LOOKS} looks, fixed horizon", called_naively / runs),
        Figure(f"{metric}: coverage at all {LOOKS} looks, relative", 1 - missed / runs, least=0.95),
        _share(f"{metric}: coverage of one planned look, relative", 1 - missed_at_the_end / runs, 0.95, runs),
    ]


def rare_conversions(runs: int, share: float = 0.01, units_a_look: int = 100) -> list[Figure]:
    """Visitors' readings where nothing was done and few convert: losses and gains that any of 40 looks calls."""
    rng = np.random.default_rng(3)
    lost = gained = 0
    for _ in range(runs):
        calls = [
            (read.ci_high < 0, read.ci_low > 0)
            for look, sums in enumerate(rng.binomial(units_a_look, share, (LOOKS, 2)).cumsum(axis=0).tolist(), 1)
            if (read := _as_read(units_a_look * look, *sums)) is not None
        ]
        lost += any(loss for loss, _ in calls)
        gained += any(gain for _, gain in calls)
    return [
        Figure(f"{share:.0%} convert: losses called in {LOOKS} looks, nothing done", lost / runs, most=0.025),
        Figure(f"{share:.0%} convert: gains called in {LOOKS} looks, nothing done", gained / runs, most=0.025),
    ]


def _as_read(n: int, control: int, treatment: int) -> Comparison | None:
    try:
        arms = {"n": n, "sum": control}, {"n": n, "sum": treatment}
        return compare_to_control(*arms, "proportion", sequential=True, tuning=80 * 100)
    except UnusableSample:
        # Control can't be told from nothing yet: no reading.
        return None


def _readings(
    metric: Metric, units_a_look: int, lift: float, seed: int, relative: bool
) -> list[tuple[Comparison, Comparison]]:
    """At each look, always valid and with a fixed horizon; none while control has nobody who bought."""
    found = []
    for control, treatment in arms_over_time(metric, LOOKS, units_a_look, lift, seed):
        if control["sum"] > 0:
            always = compare(control, treatment, metric, relative=relative, sequential=True)
            found.append((always, compare(control, treatment, metric, relative=relative)))
    return found


def mismatches(runs: int) -> list[Figure]:
    """Alarms of the size check where assignment is right, and where 4 % of one arm are lost."""
    rng = np.random.default_rng(11)
    weights = (0.5, 0.3, 0.2)
    right = [sample_ratio_mismatch(counts, weights) for counts in rng.multinomial(5_000, weights, runs).tolist()]
    lossy = rng.multinomial(50_000, (0.5, 0.48, 0.02), runs // 10)[:, :2].tolist()
    found = np.mean([sample_ratio_mismatch(counts, (1, 1)) < 0.001 for counts in lossy])
    daily = np.cumsum(rng.multinomial(500, (0.5, 0.5), (runs // 10, LOOKS)), axis=1).tolist()
    ever = [any(sample_ratio_mismatch(counts, (1, 1), sequential=True) < 0.001 for counts in one) for one in daily]
    return [
        _share("SRM: alarms at p < 0.01 where all is right", float(np.mean(np.array(right) < 0.01)), 0.01, runs),
        _share(
            "SRM: alarms at p < 0.001 where all is right", float(np.mean(np.array(right) < 0.001)), 0.001, runs
        ),
        Figure(
            f"SRM: always-valid alarms at p < 0.001 in {LOOKS} looks, all right", float(np.mean(ever)), most=0.001
        ),
        Figure("SRM: 4 % of one arm lost of 25,000, found at p < 0.001", float(found)),
    ]


def planned_power(runs: int) -> list[Figure]:
    """Share of experiments of the planned size that show the effect they were planned for."""
    rng = np.random.default_rng(13)
    n = sample_size(0.1, 0.2)
    counts = rng.binomial(n, (0.1, 0.12), (runs, 2)).tolist()
    shown = [compare({"n": n, "sum": c}, {"n": n, "sum": t}, "proportion").p_value <= 0.05 for c, t in counts]
    return [
        Figure("units an arm: 2 %, +10 %, alpha 5 %, power 80 %", sample_size(0.02, 0.1), 80_682, 80_682),
        _share("planned power of 80 %, realised", float(np.mean(shown)), 0.8, runs),
    ]


def assignment(units: int) -> list[Figure]:
    """Uniform, independent between experiments, sticky as coverage grows, and quick."""
    keys = [f"visitor-{number}" for number in range(units)]
    weights = (1, 1, 2)
    one, two = assign_all(keys, "headline", weights), assign_all(keys, "shipping-note", weights)
    together = [int(((one == a) & (two == b)).sum()) for a in range(3) for b in range(3)]
    uniform = sample_ratio_mismatch(np.bincount(one, minlength=3).tolist(), weights)
    independent = sample_ratio_mismatch(together, [a * b for a in weights for b in weights])
    ramp = np.array([assign_all(keys, "headline", weights, coverage) for coverage in (0.1, 0.25, 0.5, 1.0)])
    moved = ((ramp[:-1] >= 0) & (ramp[:-1] != ramp[1:])).sum()
    return [
        Figure("assignment: p-value of the arms' sizes", uniform, least=0.001),
        Figure("assignment: p-value of two experiments' joint sizes", independent, least=0.001),
        Figure("assignment: units that a ramp from 10 % to 100 % moves", float(moved), most=0),
        Figure("assignment: microseconds a call", _microseconds_a_call(keys[:5_000]), most=5),
    ]


def _microseconds_a_call(keys: list[str]) -> float:
    best = math.inf
    for _ in range(7):
        started = time.perf_counter()
        for key in keys:
            assign(key, "headline", (1, 1), 0.5)
        best = min(best, (time.perf_counter() - started) / len(keys))
    return best * 1e6


def page_tests(runs: int, effect: float = 0.1, pages: int = 120) -> list[Figure]:
    """Coverage and error of both methods over made-up shops; false positives over the same ones without effect."""
    methods = {
        "difference-in-differences": difference_in_differences,
        "synthetic control": synthetic_control,
    }
    changed: dict[str, list[PageEffect]] = {name: [] for name in methods}
    unchanged: dict[str, list[PageEffect]] = {name: [] for name in methods}
    for run in range(runs):
        pairs = match_pages(page_traffic(pages, run), run)
        with_it, without = page_days(pairs, effect, run), page_days(pairs, 0.0, run)
        for name, method in methods.items():
            changed[name].append(method(with_it, pairs, START, seed=run))
            unchanged[name].append(method(without, pairs, START, seed=run))
    found: list[Figure] = []
    for name in methods:
        covered = float(np.mean([one.ci_low <= effect <= one.ci_high for one in changed[name]]))
        called = float(np.mean([one.p_value <= 0.05 for one in unchanged[name]]))
        error = float(np.sqrt(np.mean([(one.effect - effect) ** 2 for one in changed[name]])))
        found += [
            _share(f"pages, {name}: coverage of 95 % intervals", covered, 0.95, runs),
            _share(f"pages, {name}: false positives at 5 %", called, 0.05, runs),
            Figure(f"pages, {name}: typical error of the effect", error),
        ]
    return found


def switchbacks(runs: int, effect: float = 1.0) -> list[Figure]:
    """Days in random pairs over a drifting level with a daily rhythm; the effect takes three hours to build up."""
    covered, hours = 0, 24 * 28
    rhythm = 2 * np.sin(np.arange(hours) * 2 * np.pi / 24)
    for run in range(runs):
        rng = np.random.default_rng([run, 17])
        arms = switchback_schedule(hours, 24, run)
        level = 10 + np.cumsum(rng.normal(0, 0.1, hours)) + rhythm
        felt = effect * np.convolve(arms, [0.4, 0.3, 0.3])[:hours]
        found = switchback_effect(level + felt + rng.normal(size=hours), arms, 24, carry_over=2)
        covered += found.ci_low <= effect <= found.ci_high
    return [_share("switchback: coverage of 95 % intervals", covered / runs, 0.95, runs)]


def uplift(runs: int, units: int = 8_000) -> list[Figure]:
    """Ranking of unseen units beside the ranking by the true effect; alarms where all units are alike."""
    reached, known, alarms = 0.0, 0.0, 0
    for run in range(runs):
        rng = np.random.default_rng([run, 19])
        features = rng.normal(size=(2 * units, 5))
        truth = 0.1 * (features[:, 0] > 0) - 0.05 * (features[:, 1] > 1)
        took = rng.integers(0, 2, 2 * units)
        anyway = 0.15 + 0.15 * (features[:, 2] > 0)
        bought = (rng.random(2 * units) < anyway + took * truth).astype(float)
        score = uplift_model(features[:units], took[:units], bought[:units]).score(features[units:])
        reached += qini(score, took[units:], bought[units:])
        known += qini(truth[units:], took[units:], bought[units:])
        alike = (rng.random(units) < anyway[:units] + 0.05 * took[:units]).astype(float)
        alarms += uplift_model(features[:units], took[:units], alike).heterogeneity_p_value <= 0.05
    return [
        Figure("uplift: Qini reached, of that of the true effect", reached / known, least=0.7),
        Figure(
            "uplift: differences claimed where all are alike",
            alarms / runs,
            most=round(0.05 + _slack(0.05, runs), 4),
        ),
    ]


def _share(name: str, value: float, expected: float, runs: int) -> Figure:
    """A share that has to be ``expected``, as exactly as so many runs can tell."""
    slack = _slack(expected, runs)
    return Figure(name, value, round(max(0.0, expected - slack), 4), round(min(1.0, expected + slack), 4))


def _slack(expected: float, runs: int) -> float:
    return 3.3 * math.sqrt(expected * (1 - expected) / runs)
