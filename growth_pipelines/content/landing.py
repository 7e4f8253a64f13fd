"""The copy of a landing page for a topic, from the products that have it: their own words and nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from growth_pipelines.content.lengths import characters
from growth_pipelines.content.scoring import LENGTHS, Score, score
from growth_pipelines.content.snippets import evidence_of
from growth_pipelines.content.structured import sentences, structured_templates
from growth_pipelines.content.terms import preferred, title_case, words
from growth_pipelines.content.wording import language_of

MOST_PRODUCTS = 12
LONGEST_SLUG = 120
_KINDS = {"title": "page_title", "h1": "h1", "meta_description": "page_meta", "intro": "intro"}


@dataclass(frozen=True)
class LandingCopy:
    """``texts`` holds title, h1, meta_description and intro; ``quality`` is the mean of their scores.

    ``templates`` has the name of each text's template; the heading is the topic itself.
    """

    topic: str
    slug: str
    texts: dict[str, str]
    scores: dict[str, Score]
    templates: dict[str, str]

    @property
    def quality(self) -> float:
        return sum(one.total for one in self.scores.values()) / len(self.scores)


def topic_name(query: str, locale: str = "en") -> str:
    """What a query is about, for a heading: "buy an8 check valves online" → "AN-8 Check Valves"."""
    wording = structured_templates(locale)
    name = f" {preferred(query)} "
    for filler in wording["not_of_the_topic"] if wording else ():
        name = re.sub(rf"(?<!\w){re.escape(filler)}(?!\w)", " ", name, flags=re.IGNORECASE)
    return title_case(" ".join(name.split()))


def slug_of(*parts: str) -> str:
    """An address under /guides: letters a–z, digits and hyphens only, at most 120 characters; empty when a part
    has no such letter (a topic in another script needs an address that a person chooses)."""
    slugs = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts]
    if not all(slugs):
        return ""
    slug = "/".join(["/guides", *slugs])
    return slug if len(slug) <= LONGEST_SLUG else slug[:LONGEST_SLUG].rpartition("-")[0]


def landing_copy(
    query: str,
    products: Sequence[Mapping[str, Any]],
    *,
    family: str,
    queries: Sequence[tuple[str, float]],
    shop_name: str,
    locale: str = "en",
    others: Sequence[str] = (),
    paused: Collection[str] = (),
) -> LandingCopy | None:
    """The page's texts, or None when a claim is not backed, a text does not fit or a title is taken.

    ``products`` (title, description, product_type, vendor, tags; at most 12) are the evidence: every word of the
    topic must be theirs. ``others`` are the titles that the shop shows already, ``paused`` templates not to use.
    """
    wording = structured_templates(locale)
    topic = topic_name(query, locale)
    slug = slug_of(family, topic)
    if wording is None or not slug or not topic:
        return None
    evidence = [evidence_of(product, shop_name) for product in products]
    said = {word for one in evidence for value in one.values() for word in words(str(value or ""))}
    if not set(words(topic)) <= said:
        return None
    facts = {
        "topic": topic,
        "topic_lower": _lower(topic),
        "family": family,
        "shop": shop_name,
        "count": str(len(products)),
    }
    known = [*evidence, {"products": len(products)}]
    made = _texts(wording["landing"], facts, products, known, others, _Names(language_of(locale), paused))
    if made is None:
        return None
    texts, templates = made
    context = {"queries": queries, "evidence": known, "subject": topic, "locale": locale}
    scores = {name: score(text, _KINDS[name], context) for name, text in texts.items()}
    return (
        None
        if any(one.blocked or one.problems for one in scores.values())
        else LandingCopy(topic, slug, texts, scores, templates)
    )


@dataclass(frozen=True)
class _Names:
    """What the templates of one language are called, and which of them may be used."""

    language: str
    paused: Collection[str]

    def of(self, name: str) -> str:
        return f"{self.language}.landing.{name}"

    def usable(self, part: str, templates: Mapping[str, str]) -> dict[str, str]:
        """Those that are not paused, by their whole names."""
        named = {self.of(f"{part}.{name}"): template for name, template in templates.items()}
        return {name: template for name, template in named.items() if name not in self.paused}


def _texts(
    wording: Mapping[str, Any],
    facts: Mapping[str, str],
    products: Sequence[Mapping[str, Any]],
    evidence: Any,
    others: Sequence[str],
    names: _Names,
) -> tuple[dict[str, str], dict[str, str]] | None:
    """The texts and their templates' names; None where one is missing."""
    taken = {other.lower() for other in others}
    titles = _filled(names.usable("titles", wording["titles"]), facts, "page_title")
    titles = {name: text for name, text in titles.items() if text.lower() not in taken}
    headings = _filled({"h1": wording["h1"]}, facts, "h1")
    metas = _filled(names.usable("metas", wording["metas"]), facts, "page_meta")
    intro = "" if names.of("intro") in names.paused else _intro(wording, facts, products, evidence)
    if not (titles and headings and metas and intro):
        return None
    title, meta = next(iter(titles)), next(iter(metas))
    texts = {"title": titles[title], "h1": headings["h1"], "meta_description": metas[meta], "intro": intro}
    return texts, {"title": title, "meta_description": meta, "intro": names.of("intro")}


def _filled(templates: Mapping[str, str], facts: Mapping[str, str], kind: str) -> dict[str, str]:
    """The templates' texts that are not too long, by name."""
    texts = {name: template.format_map(facts) for name, template in templates.items()}
    return {name: text for name, text in texts.items() if characters(text) <= LENGTHS[kind][2]}


def _intro(
    wording: Mapping[str, Any], facts: Mapping[str, str], products: Sequence[Mapping[str, Any]], evidence: Any
) -> str:
    """The opening, as many products as fit, the closing."""
    opening, closing = wording["opening"].format_map(facts), wording["closing"].format_map(facts)
    text = opening
    said: set[str] = set()
    for product in products:
        for sentence in sentences(str(product.get("description") or ""), evidence)[:1]:
            row = wording["product"].format(title=product["title"], sentence=sentence)
            if sentence not in said and characters(f"{text} {row} {closing}") <= LENGTHS["intro"][2]:
                said.add(sentence)
                text = f"{text} {row}"
    return f"{text} {closing}" if said else ""


def _lower(topic: str) -> str:
    """The topic inside a sentence: words in lower case, sizes and names as they are."""
    return " ".join(word.lower() if word[1:].islower() and word.isalpha() else word for word in topic.split())
