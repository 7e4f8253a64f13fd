"""From a page and its queries to the title and description that are proposed, and how much they promise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from growth_pipelines.actions.model import FieldChange
from growth_pipelines.content import description_variants, has_templates, score, title_variants
from growth_pipelines.content.scoring import Score
from growth_pipelines.content.snippets import Variant, evidence_of
from growth_pipelines.content.word_index import Texts
from growth_pipelines.recommenders.context import RecommenderContext
from growth_pipelines.recommenders.habits import RECORD
from growth_pipelines.recommenders.phrases import phrases

_QUERIES = 10
# How likely a new snippet is to win most of a real gap: the first number when it scores no better than the
# present one, nearing the second the more it does. Prior beliefs; learned win-rates correct them.
_PROMISE_LEAST, _PROMISE_MOST, _PROMISE_RATE = 0.70, 0.95, 4.0
# A field is only changed when the new text scores at least this much better.
_WORTH_CHANGING = 0.02
_KEYS = {"title": "seo.title", "description": "seo.description"}


@dataclass(frozen=True)
class Rewrite:
    """What is proposed for one page. ``written`` is False for a task card: no template of the
    locale has a text that fits and is not shown already.

    ``promise`` is how likely the new texts are to win back a real gap; the scores are means over the texts
    that change, before and after.
    """

    draft: dict[str, Any]
    diff: tuple[FieldChange, ...]
    subtype: str
    promise: float
    score_before: float
    score_after: float
    written: bool
    unique: bool


class Rewriter:
    """Writes snippets for the pages of one shop; knows the other pages' titles and descriptions."""

    def __init__(self, pages: pd.DataFrame, context: RecommenderContext) -> None:
        self.context = context
        keys = pages["page_key"].astype(str)
        self.shown = {
            kind: dict(zip(keys, pages[f"effective_{kind}"].fillna("").astype(str), strict=True))
            for kind in ("title", "description")
        }
        self.texts = {kind: Texts(shown.values()) for kind, shown in self.shown.items()}

    def rewrite(self, page: pd.Series, queries: pd.DataFrame) -> Rewrite:
        """The proposal for ``page``; ``queries`` are its rows with query and impressions, largest first."""
        if not has_templates(self.context.locale):
            return self._task(page, queries, "no_templates")
        # Weights in steps of a factor 2: daily wobble of demand must not turn into another draft.
        head = queries.head(_QUERIES)
        steps = np.rint(np.log2(1 + head["impressions"].to_numpy(float)))
        top = list(zip(head["query"], steps.tolist(), strict=True))
        facts = {name: None if _missing(value) else value for name, value in page.items()}
        variants = {
            "title": title_variants(facts, top, **self._around(page, "title")),
            "description": description_variants(facts, top, **self._around(page, "description")),
        }
        present = {kind: self._judge_present(kind, facts, top) for kind in variants}
        changes = {
            kind: best[0]
            for kind, best in variants.items()
            if best
            and best[0].text != self._shown(kind, page)
            and best[0].score.total >= present[kind].total + _WORTH_CHANGING
        }
        changes = changes or self._another(page, variants)
        if not changes:
            return self._task(page, queries, "nothing_else")
        return self._assemble(page, changes, variants, present)

    def _another(self, page: pd.Series, variants: dict[str, list[Variant]]) -> dict[str, Variant]:
        """Where nothing is clearly better, another text is still worth a try, with less promise."""
        for kind, offered in variants.items():
            for variant in offered:
                if variant.text != self._shown(kind, page):
                    return {kind: variant}
        return {}

    def _around(self, page: pd.Series, kind: str) -> dict[str, Any]:
        others = self.texts[kind].without(self._shown(kind, page))
        return {
            "shop_name": self.context.shop_name,
            "locale": self.context.locale,
            "others": others,
            "paused": self.context.paused_templates,
            "habits": self.context.habits,
        }

    def _shown(self, kind: str, page: pd.Series) -> str:
        return self.shown[kind].get(str(page["page_key"]), "")

    def _judge_present(self, kind: str, facts: dict[str, Any], queries: list[Any]) -> Score:
        text = self.shown[kind].get(str(facts["page_key"]), "")
        context = {
            "queries": queries,
            "subject": facts["title"],
            "locale": self.context.locale,
            "evidence": evidence_of(facts, self.context.shop_name),
            "others": self.texts[kind].without(text),
        }
        return score(text, kind, context)

    def _assemble(
        self,
        page: pd.Series,
        changes: dict[str, Variant],
        variants: dict[str, list[Variant]],
        present: dict[str, Score],
    ) -> Rewrite:
        before = sum(present[kind].total for kind in changes) / len(changes)
        after = sum(chosen.score.total for chosen in changes.values()) / len(changes)
        gain = max(0.0, after - before)
        promise = _PROMISE_MOST - (_PROMISE_MOST - _PROMISE_LEAST) * math.exp(-_PROMISE_RATE * gain)
        diff = tuple(
            FieldChange(
                field=_KEYS[kind],
                before=self._shown(kind, page),
                after=chosen.text,
                change_type="change" if self._shown(kind, page) else "add",
            )
            for kind, chosen in changes.items()
        )
        draft: dict[str, Any] = {kind: chosen.text for kind, chosen in changes.items()}
        draft["variants"] = {kind: [variant.text for variant in variants[kind]] for kind in changes}
        draft["templates"] = {kind: [variant.template for variant in variants[kind]] for kind in changes}
        followed = {kind: chosen.habits.document() for kind, chosen in changes.items() if chosen.habits}
        if followed:
            draft[RECORD] = followed
        title = draft.get("title", "")
        unique = title not in self.texts["title"].without(self._shown("title", page))
        subtype = "title" if "title" in changes else "description"
        return Rewrite(draft, diff, subtype, round(promise, 4), before, after, True, unique or not title)

    def _task(self, page: pd.Series, queries: pd.DataFrame, why: str) -> Rewrite:
        """A card for a person; ``why`` the templates have nothing: no_templates or nothing_else."""
        copy = phrases("seo_ctr")["task"]
        facts = {
            "locale": self.context.locale,
            "url": self.context.url_of(str(page["page_key"])),
            "queries": ", ".join(f"“{query}”" for query in queries["query"].head(3)),
        }
        summary = copy["summary"][why].format(**facts)
        change = FieldChange(field="task", before="", after=summary, change_type="task")
        draft = {"summary": summary, "steps": [step.format(**facts) for step in copy["steps"]]}
        return Rewrite(draft, (change,), "title", _PROMISE_LEAST, 0.0, 0.0, False, True)


def _missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))
