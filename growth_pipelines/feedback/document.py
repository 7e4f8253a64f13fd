"""What is learnt as one JSON document: the form of ``growth learning show --json`` and of the console's page."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from growth_pipelines.feedback.learnt import ENOUGH, Learnt, learnt, learnt_rests_on
from growth_pipelines.feedback.rankings import active_version, corrections_of, versions
from growth_pipelines.learning import Corrections, Drift, Rate, WinRate
from growth_pipelines.learning.rates import LEVELS

# What confidence is explained at.
SAID = 0.7


def learning_document(session: Session, now: datetime) -> dict[str, Any]:
    """All that is learnt, with ``not_known`` in plain sentences; shares from 0 to 1."""
    return document_of(session, *state_of(session, now))


def state_of(session: Session, now: datetime) -> tuple[Learnt, Corrections]:
    """What is learnt, and how the ranking in force uses it."""
    known = learnt(session, now)
    return known, corrections_of(known.signals, active_version(session))


def state_rests_on(session: Session, now: datetime) -> tuple[Any, ...]:
    """While this is the same, ``state_of`` is, as far as anybody could tell from a page."""
    return learnt_rests_on(session, now), active_version(session)


def document_of(session: Session, known: Learnt, corrections: Corrections) -> dict[str, Any]:
    """``learning_document`` of a state."""
    return {
        "decisions": known.decisions,
        "edits": known.edits,
        "outcomes": known.outcomes,
        "enough_outcomes": known.outcomes >= ENOUGH,
        "not_known": known.unknown,
        "win_rates": [_win_rate(one, corrections) for one in known.rates],
        "reliability": list(known.reliability),
        "calibration": [_calibration(name, known, corrections) for name in _measured(known)],
        "drift": {"approvals": _drift(known.approval_drift), "outcomes": _drift(known.success_drift)},
        "habits": [
            {
                "habit": one.key,
                "sort": one.sort,
                "word": one.word,
                "parts": list(one.parts),
                "times": one.times,
                "followed": followed,
            }
            for one, followed in known.preferences
        ],
        "rankings": [
            {**asdict(one), "changed_at": one.changed_at.isoformat() if one.changed_at else None}
            for one in versions(session)
        ],
    }


def _measured(known: Learnt) -> list[str]:
    """The shop ("") and the recommenders of which an outcome is final."""
    return ["", *(name for name in known.calibration.branches if "/" not in name)] if known.calibration.n else []


def _calibration(recommender: str, known: Learnt, corrections: Corrections) -> dict[str, Any]:
    """What confidence and estimates of a recommender ("": all) turned out to be worth, each with its interval."""
    low, high = known.calibration.interval(SAID, recommender)
    worth = known.realised.get(recommender)
    measured = known.signals[known.signals["succeeded"].notna()]
    return {
        "recommender": recommender,
        "outcomes": int((measured["recommender"] == recommender).sum()) if recommender else len(measured),
        "said": SAID,
        "works": round(float(known.calibration.of([SAID], recommender)[0]), 3),
        "low": round(low, 3),
        "high": round(high, 3),
        "realised": {name: round(value, 3) for name, value in asdict(worth).items()} if worth else None,
        "counts": bool(corrections.calibration.n),
    }


def _win_rate(one: WinRate, corrections: Corrections) -> dict[str, Any]:
    return {
        "kind": one.key,
        "path": list(one.path),
        "approval": _rate(one.approval),
        "success": _rate(one.success),
        "factor": round(corrections.win_rates.get(one.key, 1.0), 2) if len(one.path) < len(LEVELS) else None,
    }


def _rate(one: Rate) -> dict[str, float]:
    return {name: round(value, 3) for name, value in asdict(one).items()}


def _drift(one: Drift) -> dict[str, Any]:
    """JSON knows no NaN: of nothing observed there is no mean."""
    said = {"alarmed": one.alarmed, "observations": one.n, "evidence": round(one.evidence, 4)}
    means = {"observed": round(one.observed, 3), "expected": round(one.expected, 3)} if one.n else {}
    return {**said, **means}
