"""An action's estimate and evidence as a picture, for a chat that can't draw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from growth_pipelines.console.figures import money, number
from growth_pipelines.console.labels import humane

_ROWS = 5
_SCALE = 2.0


def chart(action: Mapping[str, Any], currency: str) -> bytes:
    """A PNG of the expected money with its interval, and of figures beside what they are compared with."""
    import vl_convert

    png: bytes = vl_convert.vegalite_to_png(chart_spec(action, currency), scale=_SCALE)
    return png


def chart_spec(action: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """The picture's Vega-Lite spec with its data; evidence without a baseline has nothing to be drawn beside."""
    spec: dict[str, Any] = json.loads(
        files("growth_pipelines.telegram").joinpath("charts.json").read_text(encoding="utf-8")
    )
    impact = action["impact"]
    worth = {
        "low": impact["revenue_low"],
        "middle": impact["revenue_28d"],
        "high": impact["revenue_high"],
        "label": money(impact["revenue_28d"], currency),
    }
    compared = [row for row in action["evidence"] if row["value"] is not None and row["baseline"] is not None]
    evidence = [
        {
            "name": humane(row["name"]),
            "which": which,
            "value": row[column],
            "label": number(row[column], "" if row["unit"].lower() in row["name"].lower() else row["unit"]),
        }
        for row in compared[:_ROWS]
        for which, column in (("seen", "value"), ("compared", "baseline"))
    ]
    if not evidence:
        del spec["vconcat"][1]
    return spec | {"datasets": {"worth": [worth], "evidence": evidence}}
