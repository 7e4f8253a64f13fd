"""What became of one expectation, whoever judged it: a suite, the raw tables' own checks or the past."""

from __future__ import annotations

from dataclasses import dataclass

from growth_pipelines.quality.suites import Dimension, Severity


@dataclass(frozen=True)
class Outcome:
    """``checked`` rows were looked at, ``unexpected`` of them broke it, or none could be counted (both 0).

    ``observed`` says what was seen, in words; ``examples`` are of columns that hold no text that people wrote, and
    where in the landing files they are.
    """

    table: str
    expectation: str
    dimension: Dimension
    severity: Severity
    passed: bool
    observed: str
    why: str
    checked: int = 0
    unexpected: int = 0
    examples: tuple[str, ...] = ()

    @property
    def blocks(self) -> bool:
        return not self.passed and self.severity == "error"
