"""Whose days show what an action did, and in which metric; or, in words, why none do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

# Resources whose days are not those of one page or product.
_WHOLE_SHOP = ("theme", "media_image")


@dataclass(frozen=True)
class Subject:
    """``of``: whose days are compared; ``metric``: what was promised (clicks, sessions, orders or units)."""

    of: Literal["page", "product"]
    metric: str


@dataclass(frozen=True)
class NotMeasurable:
    """``because``: a sentence for the operator."""

    because: str


def subject_of(kind: str, subtype: str, target_type: str) -> Subject | NotMeasurable:
    """What to measure of an action of this kind on a target of this type (product, collection, page, …)."""
    rule = _rules().get(kind, {}).get(subtype)
    if rule is None:
        return NotMeasurable(f"There is no rule yet for what {kind} {subtype} is measured by.")
    if "because" in rule:
        return NotMeasurable(rule["because"])
    if rule["of"] == "product" and target_type != "product":
        return NotMeasurable("It changes no single product, so no product's sales are its own.")
    if target_type in _WHOLE_SHOP and rule["of"] == "page":
        return NotMeasurable("It changes more than one page, so no untouched pages are left to compare with.")
    return Subject(rule["of"], rule["promised"])


@cache
def _rules() -> dict[str, Any]:
    import yaml

    text = files("growth_pipelines.outcomes").joinpath("subjects.yaml").read_text(encoding="utf-8")
    rules: dict[str, Any] = yaml.safe_load(text)
    return rules
