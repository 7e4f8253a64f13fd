"""Whether a rule lets an action pass without a person: a pure function of the rule and of what the action says.

Some things never pass, whatever a rule says (never_automatic.yaml): words of prices and discounts, of promises in
the brand's name and of safety that are added or taken out, and anything worth 1,000 or more in 28 days.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from growth_pipelines.policies.terms import AUTOMATIC_VALUE_LIMIT, DECIDING_ROLES, AutomaticRule, Terms


@dataclass(frozen=True)
class Facts:
    """What the rules look at. ``value`` is the expected revenue of 28 days in the shop's currency."""

    kind: str
    subtype: str
    risk: str
    confidence: float
    value: float
    diff: Sequence[Mapping[str, Any]]


def refusal(rule: AutomaticRule | None, facts: Facts, terms: Terms, now: datetime) -> str:
    """Why the action waits for a person; empty when the rule lets it pass."""
    if rule is None or not rule.enabled:
        return "auto-approval is off"
    if rule.until is not None and now >= rule.until:
        return "the time of auto-approval is over"
    return never(facts) or _under(rule, facts) or _needs_people(terms)


def _under(rule: AutomaticRule, facts: Facts) -> str:
    if facts.confidence < rule.min_confidence:
        return f"its confidence of {facts.confidence:.2f} is under {rule.min_confidence:.2f}"
    if facts.risk not in ("low", rule.max_risk):
        return f"its risk is {facts.risk}"
    if facts.value >= rule.below_value:
        return f"it is worth {facts.value:,.0f}, not under {rule.below_value:,.0f}"
    return ""


def _needs_people(terms: Terms) -> str:
    """A rule stands in for any one who decides: not for several, nor for some of them, nor for a role alone."""
    if terms.quorum > 1 or terms.four_eyes or terms.approvers:
        return "its terms ask for certain people"
    missing = [role for role in DECIDING_ROLES if role not in terms.roles]
    return f"its terms ask for {terms.roles[0]}s" if missing else ""


def never(facts: Facts) -> str:
    """Why no rule at all lets this pass, or nothing."""
    lists = _lists()
    if facts.kind in lists.kinds or facts.subtype in lists.subtypes:
        return f"{facts.subtype.replace('_', ' ')} always waits for a person"
    if facts.value >= AUTOMATIC_VALUE_LIMIT:
        return f"it is worth {AUTOMATIC_VALUE_LIMIT:,} or more"
    for change in facts.diff:
        for pattern, because in lists.fields:
            if pattern.search(str(change["field"])):
                return because
        before, after = str(change["before"]), str(change["after"])
        for pattern, because in lists.words:
            # Compared as words: "wholesale" says nothing of a sale.
            said, says = (_words(pattern, text) for text in (before, after))
            if added := [word for word in says if word not in said]:
                return f"{because} ({says[added[0]]!r})"
            if dropped := [word for word in said if word not in says]:
                return f"{because} ({said[dropped[0]]!r} is taken out)"
    return ""


def _words(pattern: re.Pattern[str], text: str) -> dict[str, str]:
    """What the pattern finds, without case → as it is written, in order."""
    found = (match.group().strip() for match in pattern.finditer(text))
    return {word.casefold(): word for word in found}


@dataclass(frozen=True)
class _Lists:
    kinds: frozenset[str]
    subtypes: frozenset[str]
    fields: tuple[tuple[re.Pattern[str], str], ...]
    words: tuple[tuple[re.Pattern[str], str], ...]


@cache
def _lists() -> _Lists:
    read = yaml.safe_load(
        (files("growth_pipelines.policies") / "never_automatic.yaml").read_text(encoding="utf-8")
    )
    return _Lists(
        frozenset(read["kinds"]),
        frozenset(read["subtypes"]),
        tuple(_pattern(one) for one in read["fields"]),
        tuple(_pattern(one) for one in read["words"]),
    )


def _pattern(one: Mapping[str, str]) -> tuple[re.Pattern[str], str]:
    return re.compile(one["pattern"], re.IGNORECASE), one["because"]
