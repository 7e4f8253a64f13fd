"""What is learnt as one JSON document: the form of ``growth learning show --json`` and of the console's page."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from growth_pipelines.feedback.learnt import ENOUGH, learnt
from growth_pipelines.feedback.rankings import versions
from growth_pipelines.learning import Drift, Rate, WinRate


def learning_document(session: Session, now: datetime) -> dict[str, Any]:
    """All that is learnt, with ``not_known`` in plain sentences; shares from 0 to 1."""
    known = learnt(session, now)
    return {
        "decisions": known.decisions,
        "edits": known.edits,
        "outcomes": known.outcomes,
        "enough_outcomes": known.outcomes >= ENOUGH,
        "not_known": known.unknown,
        "win_rates": [_win_rate(one) for one in known.rates],
        "reliability": list(known.reliability),
        "calibration": {**asdict(known.calibration), "at_0_7": round(float(known.calibration.of([0.7])[0]), 3)},
        "impact": {name or "all": asdict(one) for name, one in known.impact.items()},
        "drift": {"approvals": _drift(known.approval_drift), "outcomes": _drift(known.success_drift)},
        "habits": [
            {"habit": one.key, "sort": one.sort, "word": one.word, "times": one.times, "followed": followed}
            for one, followed in known.preferences
        ],
        "rankings": [
            {**asdict(one), "changed_at": one.changed_at.isoformat() if one.changed_at else None}
            for one in versions(session)
        ],
    }


def _win_rate(one: WinRate) -> dict[str, Any]:
    return {
        "kind": one.key,
        "path": list(one.path),
        "approval": _rate(one.approval),
        "success": _rate(one.success),
        "factor": round(one.factor, 2),
    }


def _rate(one: Rate) -> dict[str, float]:
    return {name: round(value, 3) for name, value in asdict(one).items()}


def _drift(one: Drift) -> dict[str, Any]:
    """JSON knows no NaN: of nothing observed there is no mean."""
    said = {"alarmed": one.alarmed, "observations": one.n, "evidence": round(one.evidence, 4)}
    means = {"observed": round(one.observed, 3), "expected": round(one.expected, 3)} if one.n else {}
    return {**said, **means}
