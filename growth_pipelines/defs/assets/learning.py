"""What decisions and outcomes teach: win-rates and habits, and whether another ranking would bring more."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import chart, table
from growth_pipelines.defs.machine import Machine

if TYPE_CHECKING:
    from growth_pipelines.feedback.learnt import Learnt
    from growth_pipelines.learning import Drift, ImpactRatio, WinRate

WIN_RATES = dg.AssetKey("learned_win_rates")
EVALUATION = dg.AssetKey("ranking_evaluation")
AS_EXPECTED = dg.AssetCheckKey(WIN_RATES, "as_expected")
CALIBRATED = dg.AssetCheckKey(WIN_RATES, "confidence_calibrated")
# The corrected confidence of an action at 0.7 may be so far off before the check warns.
_OFF_BY = 0.1


@dg.asset(
    key=WIN_RATES,
    group_name="learning",
    kinds={"python"},
    owners=[OWNER],
    description="How often proposals of each kind are approved and then work, partially pooled, with a half-life "
    "of 90 days; `factor` multiplies the score of the next ones. With what edits and outcomes say besides.",
    check_specs=[
        dg.AssetCheckSpec(
            AS_EXPECTED.name,
            asset=WIN_RATES,
            description="Decisions and outcomes go as what came before foretold; about one false alarm in 1,000.",
        ),
        dg.AssetCheckSpec(
            CALIBRATED.name,
            asset=WIN_RATES,
            description="Of actions with confidence 0.7 about 70 % succeed. Says nothing before 100 outcomes.",
        ),
    ],
)
def learned_win_rates(machine: dg.ResourceParam[Machine]) -> Any:
    """Capture what is new, then add everything up."""
    from growth_pipelines.feedback.capture import capture
    from growth_pipelines.feedback.learnt import learnt

    captured = capture(machine.store)
    with machine.store.read() as session:
        known = learnt(session, machine.now)
    yield dg.MaterializeResult(metadata={"new_signals": captured, **_metadata(known)})
    yield _as_expected(known)
    yield _calibrated(known)


def _metadata(known: "Learnt") -> dict[str, Any]:
    return {
        "decisions": known.decisions,
        "edits": known.edits,
        "outcomes": known.outcomes,
        **({"not_known": "\n".join(known.unknown)} if known.unknown else {}),
        "win_rates": table([_rate_row(one) for one in known.rates], _RATE_COLUMNS),
        **(
            {"factors": chart("win_rates", "What multiplies scores", [_rate_row(one) for one in known.rates])}
            if known.rates
            else {}
        ),
        **({"reliability": table(known.reliability)} if known.reliability else {}),
        **({"realised": table([_ratio_row(*one) for one in known.realised.items()])} if known.realised else {}),
        **({"habits": table([_habit(*one) for one in known.preferences])} if known.preferences else {}),
    }


_RATE_COLUMNS = (
    *("kind", "approved", "approved_low", "approved_high", "worked", "worked_low", "worked_high", "factor"),
)


def _rate_row(one: "WinRate") -> dict[str, Any]:
    return {
        "kind": one.key,
        "approved": round(one.approval.mean, 2),
        "approved_low": round(one.approval.low, 2),
        "approved_high": round(one.approval.high, 2),
        "worked": round(one.success.mean, 2),
        "worked_low": round(one.success.low, 2),
        "worked_high": round(one.success.high, 2),
        "factor": round(one.factor, 2),
    }


def _ratio_row(recommender: str, one: "ImpactRatio") -> dict[str, Any]:
    """What came of estimate × corrected confidence."""
    ends = {"brought_of_expected": one.ratio, "low": one.low, "high": one.high}
    rounded = {name: round(value, 2) for name, value in ends.items()}
    return {"recommender": recommender or "all", **rounded, "outcomes": one.n}


def _habit(one: Any, followed: bool) -> dict[str, Any]:
    return {"habit": one.key, "times": one.times, "followed": followed}


def _as_expected(known: "Learnt") -> dg.AssetCheckResult:
    departed = {"approvals": known.approval_drift, "outcomes": known.success_drift}
    return dg.AssetCheckResult(
        passed=not any(one.alarmed for one in departed.values()),
        check_name=AS_EXPECTED.name,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={name: _said(one) for name, one in departed.items()},
    )


def _said(one: "Drift") -> str:
    if not one.n:
        return "Too few yet."
    return f"{one.observed:.0%} since the departure showed, {one.expected:.0%} foretold ({one.n} looked at)."


def _calibrated(known: "Learnt") -> dg.AssetCheckResult:
    from growth_pipelines.feedback.learnt import ENOUGH

    said = float(known.calibration.of([0.7])[0])
    return dg.AssetCheckResult(
        passed=known.outcomes < ENOUGH or abs(said - 0.7) <= _OFF_BY,
        check_name=CALIBRATED.name,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"outcomes": known.outcomes, "confidence_0_7_means": round(said, 2)},
    )


@dg.asset(
    key=EVALUATION,
    deps=[WIN_RATES],
    group_name="learning",
    kinds={"python"},
    owners=[OWNER],
    description="What other versions of the ranking would have brought, evaluated off policy from the places "
    "that try things out, in money a showing over 28 days. One that passes waits for an operator.",
)
def ranking_evaluation(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
    """Evaluate every version but the present one."""
    from growth_pipelines.feedback.gate import evaluate
    from growth_pipelines.feedback.learnt import learnt
    from growth_pipelines.feedback.rankings import active_version

    with machine.store.session() as session:
        found = evaluate(session, learnt(session, machine.now), machine.now)
        active = active_version(session)
    return dg.MaterializeResult(
        metadata={
            "in_force": active,
            "showings": max(one.showings for one in found),
            "passed": ", ".join(one.version for one in found if one.passed) or "none",
            "versions": table([one.as_dict() for one in found]),
        }
    )
