"""Claim checks: nothing is said that the evidence does not say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from growth_pipelines.content.terms import preferred
from growth_pipelines.content.wording import load

# A quantity that is dangerous to get wrong: torque and pressure, with its unit.
_MEASURE = re.compile(
    r"(\d+(?:[.,]\d+)?)\s*"
    r"(psi|bar|kpa|mpa|n[ ·.]?m|(?:ft|foot|in|inch)[ -]?(?:lb|pound)s?|(?:lb|pound)s?[ -]?(?:ft|feet|foot))\b",
    re.IGNORECASE,
)
# Numbers with what they are attached to on either side: "AN-6", "10-ft", "255", "1/4", "6061-T6", "50%".
_FIGURE = re.compile(r"[a-z]*[-.]?\d+(?:[./x-]\d+)*(?:[-.]?[a-z]+\d*)?%?", re.IGNORECASE)


@cache
def _rules(group: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile(rule["pattern"], re.IGNORECASE), rule.get("claim") or rule["because"])
        for rule in load("policy.yaml")[group]
    )


def _texts(evidence: Any) -> list[str]:
    if evidence is None:
        return []
    if isinstance(evidence, str):
        return [evidence]
    if isinstance(evidence, Mapping):
        return [text for value in evidence.values() for text in _texts(value)]
    if isinstance(evidence, Iterable):
        return [text for value in evidence for text in _texts(value)]
    return [f"{evidence:g}" if isinstance(evidence, float) else str(evidence)]


def figures(text: str) -> list[str]:
    """Every figure of ``text`` in one spelling, in order: sizes, years, pressures, thread sizes, percentages."""
    return [found.lower().replace(" ", "").strip("-.") for found in _FIGURE.findall(preferred(text))]


def measures(text: str) -> dict[str, str]:
    """Torques and pressures of ``text``: one spelling → as written."""
    return {re.sub(r"[\s·.-]+|s\b", "", said[0].lower()): said[0] for said in _MEASURE.finditer(text)}


def check_claims(text: str, evidence: Any) -> list[str]:
    """Problems of ``text``, each one sentence; an empty list when every claim is backed.

    ``evidence`` is what is known to be true: a text, a number, or any nesting of mappings and sequences of
    them (a page's title, description, tags, price …). Checked: every figure (part numbers, sizes, years,
    pressures, percentages) is in the evidence, torques and pressures with their unit; so are vehicles and engines,
    promises and superlatives; nothing that dates (stock, prices) and no dangerous advice is said at all.
    """
    known = " \n ".join(_texts(evidence))
    known_figures = set(figures(known))
    problems = [
        f'"{figure}" is not in the evidence.'
        for figure in dict.fromkeys(figures(text))
        if figure not in known_figures
    ]
    known_measures = measures(known)
    problems += [
        f'"{written}" is a measure that is not in the evidence.'
        for measure, written in measures(text).items()
        if measure not in known_measures
    ]
    for group in ("needs_evidence", "fitment"):
        for pattern, claim in _rules(group):
            for name in dict.fromkeys(found[0] for found in pattern.finditer(text)):
                if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", known, re.IGNORECASE):
                    problems.append(f'"{name}" is a {claim} without evidence.')
    for pattern, reason in _rules("volatile"):
        if said := pattern.search(text):
            problems.append(f'"{said[0]}" should not be fixed in a text: {reason}.')
    return problems + forbidden_claims(text)


def forbidden_claims(text: str) -> list[str]:
    """What no text may say, whatever backs it, each one sentence: dangerous advice."""
    return [
        f'"{said[0]}" is not allowed: {reason}.'
        for pattern, reason in _rules("blocked")
        if (said := pattern.search(text))
    ]
