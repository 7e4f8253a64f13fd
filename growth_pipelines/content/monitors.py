"""What becomes of the texts: templates that are rejected too often, and how good this week's drafts are.

Each rule speaks only where there is enough to count: ``LEAST_DECISIONS`` about a template, ``LEAST_TEXTS`` drafted
in a week.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from growth_pipelines.content.attribution import Decided, verdicts
from growth_pipelines.content.scoring import TIERS

REJECTED_OVER, LEAST_DECISIONS, NEWEST_DECISIONS = 0.30, 10, 20
POOR_OVER, DECLINE_OVER, LEAST_TEXTS = 0.10, 0.05, 5
WEEK = timedelta(days=7)
_POOR_BELOW = min(least for least, _ in TIERS if least > 0)


@dataclass(frozen=True)
class TemplateRecord:
    """The newest decisions (at most NEWEST_DECISIONS) about the texts of one template."""

    template: str
    decisions: int
    rejected: int

    @property
    def share(self) -> float:
        return self.rejected / self.decisions if self.decisions else 0.0

    @property
    def fails(self) -> bool:
        """Whether it is to be paused."""
        return self.decisions >= LEAST_DECISIONS and self.share > REJECTED_OVER


@dataclass(frozen=True)
class DraftedText:
    """When a text was drafted, and its score from 0 to 1."""

    at: datetime
    quality: float


@dataclass(frozen=True)
class TextQuality:
    """The texts drafted in the last seven days, and the mean score of those of the seven days before.

    Means and shares are None where nothing was drafted.
    """

    drafted: int
    mean: float | None
    poor: int
    drafted_before: int
    mean_before: float | None

    @property
    def poor_share(self) -> float | None:
        return self.poor / self.drafted if self.drafted else None

    @property
    def decline(self) -> float | None:
        """By what share of itself the mean fell; negative when it rose."""
        if self.mean is None or not self.mean_before:
            return None
        return 1 - self.mean / self.mean_before

    @property
    def is_poor(self) -> bool:
        """Whether too many texts are poor."""
        return self.drafted >= LEAST_TEXTS and self.poor / self.drafted > POOR_OVER

    @property
    def is_declining(self) -> bool:
        """Whether texts are clearly worse than those of the week before."""
        enough = min(self.drafted, self.drafted_before) >= LEAST_TEXTS
        return enough and self.decline is not None and self.decline > DECLINE_OVER


def template_records(
    decided: Sequence[tuple[datetime, Decided]], resumed: Mapping[str, datetime]
) -> list[TemplateRecord]:
    """One record for each template that a decision says something of, by name.

    ``resumed`` is when an operator let a template write again: what was decided up to then no longer counts.
    """
    said: dict[str, list[bool]] = defaultdict(list)
    for at, decision in sorted(decided, key=lambda item: item[0], reverse=True):
        for template, accepted in verdicts(decision).items():
            since = resumed.get(template)
            if (since is None or at > since) and len(said[template]) < NEWEST_DECISIONS:
                said[template].append(accepted)
    return [
        TemplateRecord(template, len(answers), answers.count(False))
        for template, answers in sorted(said.items())
        if answers
    ]


def text_quality(texts: Iterable[DraftedText], now: datetime) -> TextQuality:
    """This week's texts against those of the week before; ``now`` ends this week."""
    this_week, week_before = [], []
    for text in texts:
        if now - WEEK < text.at <= now:
            this_week.append(text.quality)
        elif now - 2 * WEEK < text.at <= now - WEEK:
            week_before.append(text.quality)
    return TextQuality(
        drafted=len(this_week),
        mean=_mean(this_week),
        poor=sum(quality < _POOR_BELOW for quality in this_week),
        drafted_before=len(week_before),
        mean_before=_mean(week_before),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
