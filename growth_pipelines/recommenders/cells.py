"""What stands in one cell of a frame, where nothing may stand there in many ways (None, NaN, NA)."""

from __future__ import annotations

from typing import Any

import pandas as pd


def text(value: Any) -> str:
    """The cell as text; empty where nothing stands in it."""
    return "" if value is None or pd.isna(value) else str(value)


def number(value: Any, otherwise: float) -> float:
    """The cell as a number; ``otherwise`` where nothing stands in it."""
    return otherwise if value is None or pd.isna(value) else float(value)
