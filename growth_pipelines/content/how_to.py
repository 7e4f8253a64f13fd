"""How-tos that a page's own text holds: an ordered list announced as instructions, taken word for word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from growth_pipelines.content.claims import check_claims
from growth_pipelines.content.lengths import characters
from growth_pipelines.content.structured import product_evidence, structured_templates
from growth_pipelines.content.terms import forbidden_terms

FEWEST_STEPS, MOST_STEPS = 3, 20
LONGEST_STEP, LONGEST_NAME = 1000, 255
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_LISTS = {"ol", "ul"}
_INLINE = {
    *("a", "abbr", "b", "bdi", "bdo", "code", "em", "font", "i", "kbd", "mark", "q", "s", "small", "span"),
    *("strong", "sub", "sup", "u", "wbr"),
}
_UNSEEN = {"script", "style", "template"}
_MARKUP = re.compile(r"</?[a-zA-Z]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*")


@dataclass(frozen=True)
class ListedText:
    """An ordered list of a page: its items' plain text, the ``heading`` it stands under and the last ``sentence``
    between that and the list; both may be empty."""

    heading: str
    sentence: str
    items: list[str]


def how_to(page: Mapping[str, Any], body: str, *, shop_name: str, locale: str = "en") -> list[tuple[str, str]]:
    """(name of the how-to, step) for each step that the page's ``body`` tells, or an empty list.

    ``page`` holds title, description and what else :func:`product_evidence` reads. All steps or none: instructions
    that lack the step which may not be repeated would be worse than none. Only in languages with templates, for
    whose dangerous advice there are rules.
    """
    wording = structured_templates(locale)
    if wording is None:
        return []
    rule = wording["how_to"]
    evidence = product_evidence(page, shop_name)
    for listed in ordered_lists(body):
        said = _announcement(listed, rule["announced"], rule["other"])
        name = rule["name"].format(title=page["title"], said=said)
        if said and characters(name) <= LONGEST_NAME and _may_be_said(name, listed.items, evidence):
            return [(name, step) for step in listed.items]
    return []


def ordered_lists(body: str) -> list[ListedText]:
    """The ordered lists of a body in order; a list within a list is part of the item that holds it."""
    reader = _Reader()
    reader.feed(body)
    return reader.finished()


def _announcement(listed: ListedText, announced: str, other: str) -> str:
    """The heading or sentence that calls the list instructions; empty where what is nearest to it calls it
    something else."""
    nearest = listed.sentence or listed.heading
    if re.search(other, nearest, re.IGNORECASE):
        return ""
    told = (text for text in (listed.heading, listed.sentence) if re.search(announced, text, re.IGNORECASE))
    return next((text.rstrip(" :：.。") for text in told if not re.search(other, text, re.IGNORECASE)), "")


def _may_be_said(name: str, steps: Sequence[str], evidence: Any) -> bool:
    if not FEWEST_STEPS <= len(steps) <= MOST_STEPS:
        return False
    if any(not step or characters(step) > LONGEST_STEP or _MARKUP.search(step) for step in (name, *steps)):
        return False
    # Together as well: advice may begin in one step and end in the next.
    told = [*(f"{name} {step}" for step in steps), " ".join(steps), " ".join(step.rstrip(".;") for step in steps)]
    return not any(check_claims(text, evidence) or forbidden_terms(text) for text in told)


@dataclass
class _Reader(HTMLParser):
    """Collects ordered lists with the text before them. Markup as shops have it: items and lists may stay open."""

    heading: str = field(default="", init=False)
    sentence: str = field(default="", init=False)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._text: list[str] = []
        self._lists: list[str] = []
        self._items: list[str] = []
        self._found: list[ListedText] = []
        self._unseen = 0
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _LISTS:
            self._begin_list(tag)
        elif tag == "li" and len(self._lists) == 1:
            self._end_item()
        elif tag not in _INLINE:
            self._break(tag in _HEADINGS)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _LISTS and self._lists:
            self._end_list()
        elif tag == "li" and len(self._lists) == 1:
            self._end_item()
        elif tag not in _INLINE:
            self._break(False)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._text.append(data)

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """What word processors leave behind ("<![if …]>") is a comment to browsers; html.parser would raise."""
        return self.parse_bogus_comment(i)

    def finished(self) -> list[ListedText]:
        """All whole lists. A tag or comment that never ends hides what follows it, as in browsers, and cuts off
        the list that it stands in; :meth:`close` would take it for text and read the rest again for each one."""
        if self.rawdata.startswith("<"):
            return self._found
        self.close()
        while self._lists:
            self._end_list()
        return self._found

    def _break(self, heading: bool) -> None:
        """A block begins or ends: outside of lists, what was read is a heading or the sentence before more."""
        if self._lists:
            self._text.append(" ")
            return
        said = self._taken()
        if said and self._in_heading:
            self.heading, self.sentence = said, ""
        elif said:
            self.sentence = _SENTENCE_END.split(said)[-1] or said
        self._in_heading = heading

    def _begin_list(self, tag: str) -> None:
        self._break(False)
        self._lists.append(tag)

    def _end_list(self) -> None:
        tag = self._lists.pop()
        if self._lists:
            self._text.append(" ")
            return
        self._end_item()
        if tag == "ol":
            self._found.append(ListedText(self.heading, self.sentence, self._items))
        self._items, self.heading, self.sentence = [], "", ""

    def _end_item(self) -> None:
        said = self._taken()
        if said:
            self._items.append(said)

    def _taken(self) -> str:
        said = " ".join("".join(self._text).split())
        self._text = []
        return said
