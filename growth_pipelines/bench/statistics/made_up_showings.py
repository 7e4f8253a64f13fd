"""Exploring places of a made-up shop, with what was decided about them and what it brought."""

from __future__ import annotations

import numpy as np
import pandas as pd

from growth_pipelines.feedback.gate import Logged, modelled

_KINDS, _PLACES = 8, 3
_CONFIDENCE, _ESTIMATE, _REVENUE, _ERROR = 0.6, 20.0, 40.0, 4.0


def made_up(showings: int, seed: int, apart: float = 0.0) -> tuple[Logged, pd.DataFrame]:
    """The log and its signals (see ``signal_frame``); kinds' rates of approval reach from ½ − ``apart`` ÷ 2 up.

    With ``apart`` 0 everything brings the same, so all rankings are worth the same. Plain scores are nearly alike:
    what is learnt decides.
    """
    rng = np.random.default_rng([seed, 77])
    at, shape = np.arange(showings), (showings, _PLACES)
    kind, base = rng.integers(0, _KINDS, shape), _REVENUE * rng.lognormal(0, 0.02, shape)
    shares = rng.dirichlet(np.full(_PLACES, 2.0), showings) * 0.8 + 0.2 / _PLACES
    action = (rng.random((showings, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, _PLACES - 1)
    approvals = 0.5 + np.linspace(-apart / 2, apart / 2, _KINDS)
    mine = kind[at, action]
    approved = (rng.random(showings) < approvals[mine]).astype(float)
    worked = (rng.random(showings) < _CONFIDENCE).astype(float)
    effect = worked * _ESTIMATE / _CONFIDENCE + rng.normal(0, _ERROR, showings)
    pools = [
        [
            {"action_id": f"{row}-{place}", **_named(kind[row, place]), "base": base[row, place],
             "confidence": _CONFIDENCE, "revenue": _REVENUE, "propensity": shares[row, place]}
            for place in range(_PLACES)
        ]
        for row in range(showings)
    ]  # fmt: skip
    signals = pd.DataFrame([_named(one) for one in mine]).assign(
        action_id=[f"{row}-{place}" for row, place in enumerate(action)],
        change_type="copy",
        confidence=_CONFIDENCE,
        revenue=_REVENUE,
        age_days=(showings - at) * 0.3,
        approved=approved,
        succeeded=np.where(approved == 1, worked, np.nan),
        estimate=_ESTIMATE,
        effect=np.where(approved == 1, effect, np.nan),
        effect_low=effect - 1.96 * _ERROR,
        effect_high=effect + 1.96 * _ERROR,
    )
    reward = approved * _REVENUE * np.clip(effect / _ESTIMATE, -1, 2)
    return Logged(pools, action, reward, shares[at, action], modelled(pools, list(action), reward)), signals


def _named(kind: int) -> dict[str, str]:
    return {"recommender": f"recommender {kind % 4}", "subtype": f"subtype {kind}"}
