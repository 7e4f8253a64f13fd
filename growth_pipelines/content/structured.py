"""Structured content of a product: questions with answers and specifications, from its own verified words."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from growth_pipelines.actions.structured_fields import json_text
from growth_pipelines.content.claims import check_claims
from growth_pipelines.content.habits import NO_HABITS, Habits
from growth_pipelines.content.snippets import evidence_of
from growth_pipelines.content.wording import language_of, load, templates

LONGEST_ENTRY, LONGEST_QUESTION = 1000, 255
FEWEST_ENTRIES = 3
FEWEST_QUESTIONS, MOST_QUESTIONS = 5, 7
_LEAST_WORDS = 3


class Pair(NamedTuple):
    """A question with its answer, or a name with its value, and the name of the template that made it."""

    left: str
    right: str
    template: str = ""


def structured_templates(locale: str) -> dict[str, Any] | None:
    """The templates of structured content in a locale's language, or None when there are none."""
    if templates(locale) is None:
        return None
    try:
        return load(f"templates/{language_of(locale)}.structured.yaml")
    except FileNotFoundError:
        return None


def product_evidence(page: Mapping[str, Any], shop_name: str) -> dict[str, Any]:
    """What may be said of a product: its page's facts and how many versions there are."""
    return {**evidence_of(page, shop_name), "variants": page.get("variants")}


def questions(
    page: Mapping[str, Any],
    *,
    shop_name: str,
    locale: str = "en",
    paused: Collection[str] = (),
    habits: Habits = NO_HABITS,
    most: int = MOST_QUESTIONS,
) -> list[Pair]:
    """Up to ``most`` questions with their answers, every one backed by the page's facts.

    ``page`` holds title, product_type, vendor, tags, description and variants; templates that are ``paused``
    ask nothing. What breaks operators' ``habits`` is left out where enough is left without it.
    """
    wording = structured_templates(locale)
    if wording is None:
        return []
    evidence, facts = product_evidence(page, shop_name), _facts(page, shop_name)
    unused = [habits.calm(one) for one in sentences(str(page.get("description") or ""), evidence)]
    answered, general = [], []
    for name, row in _named(wording, "questions", locale, paused):
        ask = _fill(row["ask"], facts)
        if "answer" in row:
            general.append(Pair(ask, _fill(row["answer"], facts), name))
            continue
        found = unused[:1] if row.get("first_sentence") else _about(unused, row["about"], habits)
        unused = [sentence for sentence in unused if sentence not in found]
        answered.append(Pair(ask, " ".join(found), name))
    pairs = [
        pair
        for pair in [*answered, *general]
        if 0 < len(pair.left) <= LONGEST_QUESTION
        and 0 < len(pair.right) <= LONGEST_ENTRY
        and not check_claims(f"{pair.left} {pair.right}", evidence)
    ]
    return _by_habit(pairs, habits)[:most]


def _by_habit(pairs: Sequence[Pair], habits: Habits) -> list[Pair]:
    """Those that break no more habits than others, in their order; with the next best where they are too few."""
    broken = [len(habits.broken(f"{pair.left} {pair.right}")) for pair in pairs]
    enough = max(FEWEST_QUESTIONS, broken.count(min(broken, default=0)))
    places = sorted(range(len(pairs)), key=lambda place: broken[place])[:enough]
    return [pairs[place] for place in sorted(places)]


def _named(
    wording: Mapping[str, Any], part: str, locale: str, paused: Collection[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows of a part that are not paused, each with its template's name."""
    for row in wording[part]:
        name = f"{language_of(locale)}.{part}.{row['id']}"
        if name not in paused:
            yield name, row


def specifications(
    page: Mapping[str, Any], *, shop_name: str, locale: str = "en", paused: Collection[str] = ()
) -> list[Pair]:
    """Names and values of what the page's title and description state, word for word."""
    wording = structured_templates(locale)
    if wording is None:
        return []
    evidence, facts = product_evidence(page, shop_name), _facts(page, shop_name)
    text = f"{page['title']}. {page.get('description') or ''}"
    found = []
    for name, row in _named(wording, "specifications", locale, paused):
        if "value" in row:
            value = _fill(row["value"], facts)
        else:
            said: dict[str, str] = {}
            for match in re.findall(row["pattern"], text):
                said.setdefault(match.lower(), match)
            value = ", ".join(said.values())
        if value and not check_claims(value, evidence):
            found.append(Pair(row["name"], value, name))
    return found


def faq_page(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """schema.org FAQPage of questions and answers (https://schema.org/FAQPage)."""
    return {
        "@context": "https://schema.org",
        "@type": "FAQPage",
        "mainEntity": [
            {"@type": "Question", "name": ask, "acceptedAnswer": {"@type": "Answer", "text": answer}}
            for ask, answer in pairs
        ],
    }


def how_to_data(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """schema.org HowTo of (name, step) pairs that share their name (https://schema.org/HowTo)."""
    return {
        "@context": "https://schema.org",
        "@type": "HowTo",
        "name": pairs[0][0],
        "step": [
            {"@type": "HowToStep", "position": position, "text": step}
            for position, (_, step) in enumerate(pairs, start=1)
        ],
    }


def product_data(page: Mapping[str, Any], url: str, rows: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """schema.org Product with its specifications (https://schema.org/Product); no price, which would date."""
    brand = str(page.get("vendor") or "").strip()
    return {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": page["title"],
        "url": url,
        **({"brand": {"@type": "Brand", "name": brand}} if brand else {}),
        "additionalProperty": _properties(rows),
    }


def with_matching_data(draft: Mapping[str, Any]) -> dict[str, Any]:
    """The draft {entries, structured_data} with data that say what its entries say now."""
    data = dict(draft.get("structured_data") or {})
    fields: dict[str, list[Mapping[str, str]]] = {}
    for entry in draft["entries"]:
        fields.setdefault(entry["type"], []).append(entry["fields"])
    if "faq_structured_data" in data:
        pairs = [(one["question"], one["answer"]) for one in fields["growth_faq"]]
        data["faq_structured_data"] = json_text(faq_page(pairs))
    if "how_to_structured_data" in data:
        steps = [(one["how_to"], one["step"]) for one in fields["growth_how_to"]]
        data["how_to_structured_data"] = json_text(how_to_data(steps))
    if "product_structured_data" in data:
        rows = [(one["name"], one["value"]) for one in fields["growth_specification"]]
        product = json.loads(data["product_structured_data"])
        data["product_structured_data"] = json_text({**product, "additionalProperty": _properties(rows)})
    return {**draft, **({"structured_data": data} if data else {})}


def _properties(rows: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"@type": "PropertyValue", "name": name, "value": value} for name, value in rows]


def sentences(text: str, evidence: Any) -> list[str]:
    """The sentences of a description that may be said again, in order: nothing that dates or is dangerous."""
    found = []
    for sentence in re.split(r"(?<=[.!?])\s+", " ".join(text.split())):
        whole = sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
        if len(whole.split()) >= _LEAST_WORDS and not check_claims(whole, evidence):
            found.append(whole)
    return found


def _about(unused: Sequence[str], pattern: str, habits: Habits) -> list[str]:
    """The first sentence about it, of those that break fewest habits."""
    found = [sentence for sentence in unused if re.search(pattern, sentence, re.IGNORECASE)]
    return sorted(found, key=lambda sentence: len(habits.broken(sentence)))[:1]


def _facts(page: Mapping[str, Any], shop_name: str) -> dict[str, str]:
    facts = {"shop": shop_name}
    for name in ("title", "vendor", "product_type"):
        value = str(page.get(name) or "").strip()
        if value:
            facts[name] = " ".join(value.split())
    if int(page.get("variants") or 0) > 1:
        facts["variants"] = str(int(page["variants"]))
    return facts


def _fill(template: str, facts: Mapping[str, str]) -> str:
    try:
        return template.format_map(facts)
    except KeyError:  # the page lacks a fact of this template
        return ""
