"""Another wording of a text by a language model, taken only when it passes every check of a template's text.

The model is a port: anything that answers a prompt with a text. Without one, or when it fails, is refused or says
something new, the template's text stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from growth_pipelines.content.claims import check_claims
from growth_pipelines.content.duplicates import NEAR, likeness
from growth_pipelines.content.habits import NO_HABITS, Habits
from growth_pipelines.content.lengths import characters
from growth_pipelines.content.scoring import LENGTHS, score
from growth_pipelines.content.terms import check_terms
from growth_pipelines.content.wording import load
from growth_pipelines.errors import GrowthError

TEMPLATE = "template"


class LanguageModel(Protocol):
    """``name`` labels what it wrote; ``complete`` raises GrowthError when there is no answer."""

    @property
    def name(self) -> str: ...

    def complete(self, prompt: str) -> str: ...


@dataclass(frozen=True)
class Wording:
    """A text and who wrote it: ``template`` or the model's name; ``refused``: why the model's was not taken."""

    text: str
    by: str = TEMPLATE
    refused: str = ""


def reworded(
    text: str,
    kind: str,
    context: Mapping[str, Any],
    model: LanguageModel | None,
    known: tuple[str, ...] = (),
    habits: Habits = NO_HABITS,
) -> Wording:
    """``text`` in the model's words, or as it is.

    ``kind`` and ``context`` as for :func:`~growth_pipelines.content.scoring.score`; ``context`` must hold the
    evidence. ``known`` are texts that the new one may not repeat; it may break no operators' ``habits`` that
    ``text`` keeps.
    """
    if model is None:
        return Wording(text)
    prompt = load("templates/prompts.yaml")["reword"].format(
        text=text, longest=LENGTHS[kind][2], locale=context.get("locale", "en"), habits=_asked(habits)
    )
    try:
        answer = " ".join(model.complete(prompt).split())
    except GrowthError as error:
        return Wording(text, refused=error.message)
    if new := habits.broken(answer) - habits.broken(text):
        return Wording(text, refused=f"It says what operators take out: {', '.join(sorted(new))}.")
    refused = _refused(answer, text, kind, context, known)
    return Wording(text, refused=refused) if refused else Wording(answer, model.name)


def _asked(habits: Habits) -> str:
    """What the model is told of operators' habits."""
    wording = load("templates/prompts.yaml")
    words = wording["avoid"].format(words=", ".join(sorted(habits.avoided))) if habits.avoided else ""
    return f"{words}{wording['calmer'] if habits.calmer else ''}"


def _refused(answer: str, text: str, kind: str, context: Mapping[str, Any], known: tuple[str, ...]) -> str:
    """Why the answer is not taken, or an empty text."""
    if not answer:
        return "The answer is empty."
    if characters(answer) > LENGTHS[kind][2]:
        return f"The answer has {characters(answer)} characters; {LENGTHS[kind][2]} fit."
    problems = [*check_claims(answer, context["evidence"]), *check_terms(answer)]
    if "<" in answer:
        problems.append("It holds markup.")
    if any(likeness(answer, other) > NEAR for other in known):
        problems.append("It repeats another text.")
    judged, before = score(answer, kind, context), score(text, kind, context)
    if judged.blocked or (judged.needs_review and judged.total < before.total):
        problems.append(f"Its score is {judged.total:.2f}, the template's {before.total:.2f}.")
    return " ".join(problems)
