"""The copy of a landing page for a topic, from the products that have it: their own words and nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from growth_pipelines.content.habits import NO_HABITS, Followed, Habits
from growth_pipelines.content.lengths import characters
from growth_pipelines.content.scoring import LENGTHS, Score, score
from growth_pipelines.content.snippets import evidence_of
from growth_pipelines.content.structured import sentences, structured_templates
from growth_pipelines.content.terms import preferred, title_case, words
from growth_pipelines.content.wording import language_of

MOST_PRODUCTS = 12
LONGEST_SLUG = 120
TYPE = "growth_landing_page"
_KINDS = {"title": "page_title", "h1": "h1", "meta_description": "page_meta", "intro": "intro"}


@dataclass(frozen=True)
class LandingCopy:
    """``texts`` holds title, h1, meta_description and intro; ``quality`` is the mean of their scores.

    ``templates`` has the name of each text's template; the heading is the topic itself. ``habits`` holds what
    texts follow of operators' habits, where they do or should.
    """

    topic: str
    slug: str
    texts: dict[str, str]
    scores: dict[str, Score]
    templates: dict[str, str]
    habits: dict[str, Followed] = field(default_factory=dict)

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
    habits: Habits = NO_HABITS,
) -> LandingCopy | None:
    """The page's texts, or None when a claim is not backed, a text does not fit or a title is taken.

    ``products`` (title, description, product_type, vendor, tags; at most 12) are the evidence: every word of the
    topic must be theirs. ``others`` are the titles that the shop shows already, ``paused`` templates not to use;
    operators' ``habits`` choose among the texts, and never cost the page.
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
    names = _Names(language_of(locale), paused)
    context = {"queries": queries, "evidence": known, "subject": topic, "locale": locale}

    def written(followed: Habits) -> LandingCopy | None:
        made = _texts(wording["landing"], facts, products, known, others, names, followed)
        if made is None:
            return None
        texts, templates = made
        scores = {name: score(text, _KINDS[name], context) for name, text in texts.items()}
        flawed = any(one.blocked or one.problems for one in scores.values())
        return None if flawed else LandingCopy(topic, slug, texts, scores, templates)

    plain = written(NO_HABITS)
    return _by_habit(plain, written(habits), habits) if habits and plain else plain


def _by_habit(plain: LandingCopy, copy: LandingCopy | None, habits: Habits) -> LandingCopy:
    """The copy that was made for the habits, or else the plain one, and what its texts follow of them."""
    copy = copy or plain
    compared = {
        name: habits.of_part(f"{TYPE}.{name}").compared(plain.texts[name], text)
        for name, text in copy.texts.items()
    }
    return replace(copy, habits={name: found for name, found in compared.items() if found})


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
    habits: Habits,
) -> tuple[dict[str, str], dict[str, str]] | None:
    """The texts and their templates' names; None where one is missing."""
    taken = {other.lower() for other in others}
    titles = _filled(names.usable("titles", wording["titles"]), facts, "page_title")
    titles = {name: text for name, text in titles.items() if text.lower() not in taken}
    titles = _in_order(titles, habits.of_part(f"{TYPE}.title"))
    headings = _filled({"h1": wording["h1"]}, facts, "h1")
    metas = _filled(names.usable("metas", wording["metas"]), facts, "page_meta")
    metas = _in_order(metas, habits.of_part(f"{TYPE}.meta_description"))
    intro = "" if names.of("intro") in names.paused else _intro(wording, facts, products, evidence, habits)
    if not (titles and headings and metas and intro):
        return None
    title, meta = next(iter(titles)), next(iter(metas))
    texts = {"title": titles[title], "h1": headings["h1"], "meta_description": metas[meta], "intro": intro}
    return texts, {"title": title, "meta_description": meta, "intro": names.of("intro")}


def _filled(templates: Mapping[str, str], facts: Mapping[str, str], kind: str) -> dict[str, str]:
    """The templates' texts that are not too long, by name."""
    texts = {name: template.format_map(facts) for name, template in templates.items()}
    return {name: text for name, text in texts.items() if characters(text) <= LENGTHS[kind][2]}


def _in_order(texts: dict[str, str], habits: Habits) -> dict[str, str]:
    """Templates' texts by name, those first that operators' habits prefer."""
    named = {text: name for name, text in reversed(texts.items())}
    return {
        named[text]: text for text in habits.ordered(next(iter(texts.values()), ""), list(texts.values()), named)
    }


def _intro(
    wording: Mapping[str, Any],
    facts: Mapping[str, str],
    products: Sequence[Mapping[str, Any]],
    evidence: Any,
    habits: Habits,
) -> str:
    """The opening, as many products as fit, the closing.

    Of each product its first sentence, or the first that breaks fewest habits; a product whose words break one
    that the rest keeps is left out, unless all do.
    """
    opening, closing = wording["opening"].format_map(facts), wording["closing"].format_map(facts)
    broken = habits.broken(f"{opening} {closing}")
    text = opening
    said: set[str] = set()
    for product in products:
        of_it = [habits.calm(one) for one in sentences(str(product.get("description") or ""), evidence)]
        for sentence in sorted(of_it, key=lambda one: len(habits.broken(one)))[:1]:
            row = wording["product"].format(title=product["title"], sentence=sentence)
            fits = characters(f"{text} {row} {closing}") <= LENGTHS["intro"][2]
            if sentence not in said and fits and habits.broken(row) <= broken:
                said.add(sentence)
                text = f"{text} {row}"
    if not said and habits:
        return _intro(wording, facts, products, evidence, NO_HABITS)
    return f"{text} {closing}" if said else ""


def _lower(topic: str) -> str:
    """The topic inside a sentence: words in lower case, sizes and names as they are."""
    return " ".join(word.lower() if word[1:].islower() and word.isalpha() else word for word in topic.split())
