"""Search snippets from templates over a page's verified facts: nothing that the page itself does not say."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from growth_pipelines.content.claims import check_claims
from growth_pipelines.content.habits import NO_HABITS, Followed, Habits
from growth_pipelines.content.scoring import LENGTHS, REVIEW_BELOW, Score, score
from growth_pipelines.content.terms import title_case, word_set, words
from growth_pipelines.content.word_index import OtherTexts
from growth_pipelines.content.wording import language_of, load, templates

_FACTS = ("title", "product_type", "vendor", "tags", "description")


class Variant(NamedTuple):
    """A text, how good it is, the name of the template that made it, and what it follows of operators' habits."""

    text: str
    score: Score
    template: str
    habits: Followed = Followed()


def has_templates(locale: str) -> bool:
    """Whether snippets can be drafted in this locale."""
    return templates(locale) is not None


def evidence_of(page: Mapping[str, Any], shop_name: str) -> dict[str, Any]:
    """What a snippet of ``page`` may claim: the page's own facts and the shop's name."""
    return {**{name: page.get(name) for name in _FACTS}, "shop": shop_name}


def title_variants(
    page: Mapping[str, Any],
    queries: Sequence[Any],
    *,
    shop_name: str,
    locale: str = "en",
    others: OtherTexts | Sequence[str] = (),
    paused: Collection[str] = (),
    habits: Habits = NO_HABITS,
    count: int = 3,
) -> list[Variant]:
    """Up to ``count`` titles of at most 60 characters, best first, none by a template that is ``paused``; where
    operators have ``habits``, those that follow them best.

    ``page`` holds title, page_type, product_type, vendor, tags and description; ``queries`` as for
    :func:`~growth_pipelines.content.scoring.score`; ``others`` are titles elsewhere in the shop.
    """
    return _variants("title", page, queries, shop_name, locale, others, paused, habits)[:count]


def description_variants(
    page: Mapping[str, Any],
    queries: Sequence[Any],
    *,
    shop_name: str,
    locale: str = "en",
    others: OtherTexts | Sequence[str] = (),
    paused: Collection[str] = (),
    habits: Habits = NO_HABITS,
    count: int = 3,
) -> list[Variant]:
    """Up to ``count`` meta descriptions of at most 155 characters; the rest as for :func:`title_variants`."""
    return _variants("description", page, queries, shop_name, locale, others, paused, habits)[:count]


def _variants(
    kind: str,
    page: Mapping[str, Any],
    queries: Sequence[Any],
    shop_name: str,
    locale: str,
    others: OtherTexts | Sequence[str],
    paused: Collection[str],
    habits: Habits,
) -> list[Variant]:
    wording, habits = templates(locale), habits.of_part(kind)
    if wording is None:
        return []
    context = {
        "queries": queries,
        "evidence": evidence_of(page, shop_name),
        "subject": page["title"],
        "others": others,
        "locale": locale,
    }
    candidates = _titles if kind == "title" else _descriptions

    def ranked(followed: Habits, known: dict[str, tuple[Variant, int]]) -> list[Variant]:
        for name, text, strain in candidates(page, shop_name, wording, followed):
            template = f"{language_of(locale)}.{name}"
            if (
                text
                and text not in known
                and template not in paused
                and len(text) <= LENGTHS[kind][2]
                and not check_claims(text, context["evidence"])
            ):
                known[text] = (Variant(text, score(text, kind, context), template), strain)
        best = sorted(known.values(), key=lambda item: _rank(kind, item[0].text, item[0].score, item[1]))
        return [variant for variant, _ in best]

    found: dict[str, tuple[Variant, int]] = {}
    plain = ranked(NO_HABITS, found)
    if not habits or not plain:
        return _distinct(plain)
    return _distinct(_by_habit(plain[0], ranked(habits, found), habits))


def _by_habit(plain: Variant, ranked: Sequence[Variant], habits: Habits) -> list[Variant]:
    """The texts that follow operators' habits; ``plain`` is the best without any.

    A text that is preferred to a better one for its length or for a word must not be one to look at twice, unless
    the better one is.
    """
    least = min(REVIEW_BELOW, plain.score.total)
    by_text = {variant.text: variant for variant in ranked}
    good = {text for text, variant in by_text.items() if variant.score.total >= least}
    chosen = habits.ordered(plain.text, list(by_text), good)
    return [by_text[text]._replace(habits=habits.compared(plain.text, text)) for text in chosen]


def _rank(kind: str, text: str, judged: Score, strain: int) -> tuple[int, int]:
    """Best first. Scores count in steps of 0.02, so that a wobble in demand does not reorder near-equals from day
    to day; a text that begins in the middle of the page's description costs four steps a sentence; among equals
    the fuller description wins, then the templates' order (Python's sort is stable).
    """
    fuller = 0 if kind == "title" else -len(text)
    return 4 * strain - round(judged.total * 50), fuller


def _distinct(ranked: Sequence[Variant]) -> list[Variant]:
    """In this order, but texts that differ from a better one in punctuation only come last."""
    kept: list[Variant] = []
    spare: list[Variant] = []
    said: set[tuple[str, ...]] = set()
    for variant in ranked:
        named = tuple(sorted(words(variant.text)))
        (spare if named in said else kept).append(variant)
        said.add(named)
    return [*kept, *spare]


def _facts(page: Mapping[str, Any], shop_name: str) -> dict[str, str]:
    title = " ".join(str(page["title"]).split())
    facts = {"title": title, "shop": shop_name}
    short = title.split(",")[0].strip()
    if short != title and len(short) >= 12:
        facts["short_title"] = short
    vendor = str(page.get("vendor") or "").strip()
    if vendor and vendor.lower() != shop_name.lower():
        facts["vendor"] = vendor
    return facts


def _titles(
    page: Mapping[str, Any], shop_name: str, wording: Mapping[str, Any], _: Habits
) -> Iterator[tuple[str, str, int]]:
    """Templates' names and the titles they make."""
    facts = _facts(page, shop_name)
    for name, template in _named(wording, "titles", page):
        for clause in [*_clauses(page), ""]:
            text = _fill(template, {**facts, "clause": title_case(clause)} if clause else facts)
            if text:
                yield name, text, 0
            if "{clause}" not in template:
                break


def _descriptions(
    page: Mapping[str, Any], shop_name: str, wording: Mapping[str, Any], habits: Habits
) -> Iterator[tuple[str, str, int]]:
    """Templates' names and descriptions, each with how many sentences of the page it skips before its first.

    A text holds as many whole sentences as fit; for habits' sake it may hold fewer.
    """
    facts = _facts(page, shop_name)
    sentences = [habits.calm(sentence) for sentence in _sentences(page)]
    for name, template in _named(wording, "descriptions", page):
        for action in wording["actions"][_type_of(wording["actions"], page)]:
            base = {**facts, "action": action.format(**facts)}
            if "{sentences}" not in template:
                # Saying nothing of the page's own words strains most.
                yield name, _fill(template, base), 1 + len(sentences)
                continue
            for start, sentence in enumerate(sentences):
                named = facts.get("short_title", facts["title"])
                says_nothing_new = word_set(sentence) <= word_set(facts["title"])
                repeats = "title}" in template and (sentence.startswith(named) or says_nothing_new)
                if _opens(sentence) and not repeats:
                    fitting = _fitting(template, base, sentences[start:])
                    for text in fitting if habits else fitting[-1:]:
                        yield name, text, start


def _fitting(template: str, facts: Mapping[str, str], sentences: Sequence[str]) -> list[str]:
    """The template with one whole sentence, with two and so on, as long as they fit."""
    fitting: list[str] = []
    for end in range(1, len(sentences) + 1):
        text = _fill(template, {**facts, "sentences": " ".join(sentences[:end])})
        if not text or len(text) > LENGTHS["description"][2]:
            break
        fitting.append(text)
    return fitting


def _named(wording: Mapping[str, Any], kind: str, page: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The templates of a kind for this type of page, each with its name in the file."""
    page_type = _type_of(wording[kind], page)
    for name, template in wording[kind][page_type].items():
        yield f"{kind}.{page_type}.{name}", template


def _type_of(by_type: Mapping[str, Any], page: Mapping[str, Any]) -> str:
    page_type = str(page.get("page_type"))
    return page_type if page_type in by_type else "page"


def _fill(template: str, facts: Mapping[str, str]) -> str:
    try:
        return " ".join(template.format_map(facts).split())
    except KeyError:  # the page lacks a fact of this template
        return ""


def _sentences(page: Mapping[str, Any]) -> list[str]:
    """The description's sentences that may stand in a snippet, in order, without what dates (", in stock")."""
    text = " ".join(str(page.get("description") or "").split())
    found = []
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        parts = sentence.strip().rstrip(".").split(", ")
        while parts and check_claims(", ".join(parts), text):
            parts.pop()
        lasting = ", ".join(parts).strip()
        if len(lasting.split()) > 2:
            found.append(lasting if lasting[-1] in "!?" else f"{lasting}.")
    return found


def _clauses(page: Mapping[str, Any]) -> list[str]:
    """Short phrases of the description, word for word, that say what the title does not."""
    title = word_set(str(page["title"]))
    found = []
    for sentence in re.split(r"[.;:!?]\s*", str(page.get("description") or "")):
        # Later parts of a sentence are often the rest of a list.
        clause = " ".join(sentence.split(", ")[0].split(" with a ")[0].split())
        own = words(clause)
        telling = len(own) >= 2 and not title & set(own)
        if telling and len(clause.split()) <= 6 and _stands_alone(clause) and not check_claims(clause, clause):
            found.append(clause)
    return list(dict.fromkeys(found))


def _opens(sentence: str) -> bool:
    """Whether a snippet may begin with the sentence."""
    first = sentence.split()[0]
    return not _joins(first) and first.lower() not in load("glossary.yaml")["advice_words"]


def _joins(word: str) -> bool:
    """Whether a word leans on its neighbour; "AN" in capitals is a fitting, not an article."""
    return (len(word) == 1 or not word.isupper()) and word.lower() in load("glossary.yaml")["joining_words"]


def _stands_alone(clause: str) -> bool:
    """Whether a phrase reads by itself: no joining word at its ends, and no sentence of its own."""
    inside = clause.split()
    if _joins(inside[0]) or _joins(inside[-1]):
        return False
    return not {word.lower() for word in inside} & set(load("glossary.yaml")["sentence_words"])
