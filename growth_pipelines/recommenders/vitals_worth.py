"""What better Core Web Vitals are worth: sessions won by moving a page up a band."""

from __future__ import annotations

# Share of sessions that a page wins: poor → needs improvement, needs improvement → good.
MULTIPLIERS: dict[str, tuple[float, float]] = {"lcp": (0.06, 0.11), "inp": (0.04, 0.09), "cls": (0.03, 0.07)}
BANDS = ("poor", "needs-improvement", "good")


def multiplier(metric: str, now: str, goal: str) -> float:
    """The share for every band between the ratings ``now`` and ``goal``; 0 when the goal is not better."""
    return sum(MULTIPLIERS[metric][BANDS.index(now) : BANDS.index(goal)])


def extra_sessions(sessions: float, metric: str, now: str, goal: str) -> float:
    """Sessions × multiplier: 7,000 sessions with a poor LCP win 420 by reaching "needs improvement"."""
    return sessions * multiplier(metric, now, goal)
