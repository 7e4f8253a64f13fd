"""One figure beside what it has to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """``value`` has to lie within [``least``, ``most``]; without either it is there to be compared with."""

    name: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def limit(self) -> str:
        ends = [f"≥ {self.least:g}"] if self.least is not None else []
        return ", ".join(ends + ([f"≤ {self.most:g}"] if self.most is not None else []))

    def as_dict(self) -> dict[str, Any]:
        return {
            "figure": self.name,
            "value": self.value,
            "least": self.least,
            "most": self.most,
            "limit": self.limit,
            "met": self.met,
        }
