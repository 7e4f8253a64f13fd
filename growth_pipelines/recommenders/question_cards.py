"""Task cards for questions that no page answers: what was asked, what the catalogue says, and nothing invented."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pandas as pd

from growth_pipelines.actions.model import EASE, ActionDraft, CheckRun, Evidence, FieldChange, Impact, Target
from growth_pipelines.actions.scoring import score
from growth_pipelines.content.landing import slug_of
from growth_pipelines.content.structured import product_evidence, sentences
from growth_pipelines.content.terms import word_set
from growth_pipelines.recommenders.context import GuidedSellingConfig, RecommenderContext
from growth_pipelines.recommenders.ctr_curve import PRIOR_CURVE
from growth_pipelines.recommenders.economics import PageEconomics, economics_by_page
from growth_pipelines.recommenders.money import WINDOW_DAYS, money, span
from growth_pipelines.recommenders.phrases import phrases
from growth_pipelines.recommenders.questions import Question, mentioning, open_questions
from growth_pipelines.recommenders.topic_gaps import PrefixIndex

SOURCE = "guided_selling@1"
_SHOWN = 5
_QUOTES = 3
# An answer is found and ranked within the 28 days, so it wins only a part of them (as a new page does).
_SHARE_SOON = 0.5
_SURE = {"far": 0.6, "unclicked": 0.7}


def question_drafts(
    frames: Mapping[str, pd.DataFrame], context: RecommenderContext, config: GuidedSellingConfig
) -> list[ActionDraft]:
    """One task card for each open question."""
    pages = frames["pages"].drop_duplicates("page_key")
    found = open_questions(frames, config, context.locale)
    if not found:
        return []
    economics = economics_by_page(pd.DataFrame(), frames["shop"])[""]
    texts = pages["title"].fillna("") + " " + pages["description"].fillna("")
    near = mentioning(texts, found)
    index = PrefixIndex(pages["page_key"][near], texts[near])
    by_key = pages.set_index("page_key", drop=False)
    return [_Card(one, by_key, index, context, config, economics).draft() for one in found]


class _Card:
    """Writes the draft for one question."""

    def __init__(
        self,
        question: Question,
        pages: pd.DataFrame,
        index: PrefixIndex,
        context: RecommenderContext,
        config: GuidedSellingConfig,
        economics: PageEconomics,
    ) -> None:
        self.question, self.pages, self.index = question, pages, index
        self.context, self.config, self.economics = context, config, economics
        self.words = phrases("guided_selling")["question"]
        self.main = str(question.rows[0]["main_page_key"])
        self.impact = self._impact()

    def draft(self) -> ActionDraft:
        facts = self._facts()
        confidence, ease = _SURE[self.question.why], EASE["task_card"]
        learnt = self.context.learnt("guided_selling", "content_gap", confidence)
        ranked = score(self.impact.revenue_28d, confidence * self.economics.basis_factor, ease, learnt)
        summary = self.words["summary"].format(**facts)
        said = self._said()
        last = self.words["said"].format(said="; ".join(said)) if said else self.words["unsaid"]
        steps = [step.format(**facts) for step in self.words["steps"]]
        slug = slug_of(str(self.question.rows[0]["query"]))
        return ActionDraft(
            kind="guided_selling",
            subtype="content_gap",
            source=SOURCE,
            title=self.words["title"].format(**facts),
            rationale=f"{self.words['rationale'][self.question.why].format(**facts)} "
            f"{self.words['worth'].format(**facts)}",
            why_now=self.words["why_now"],
            # Several questions may lead to one page; each is a subject of its own.
            target=Target(type="page", gid="", url=f"{self.context.url_of(self.main)}#{slug}", handle=slug),
            draft={
                "summary": summary,
                "steps": [steps[0], last, *steps[1:]],
                "questions": [str(row["query"]) for row in self.question.rows[:_SHOWN]],
            },
            diff=(FieldChange(field="task", before="", after=summary, change_type="task"),),
            evidence=self._evidence(),
            checks=self._checks(),
            freshness=self.context.freshness,
            confidence=confidence,
            ease=ease,
            impact=self.impact,
            risk_tier="low",
            priority="low",
            score=ranked.value,
            factors=ranked.factors,
            ranking_version=self.context.corrections.version,
            rollback_plan=self.words["rollback"],
        )

    def _impact(self) -> Impact:
        """Clicks of the question's impressions at the goal position less those it has; the interval (90 %) spans
        from twice to half that position, as for a new page."""
        goal = self.config.goal_position
        ctr = PRIOR_CURVE.expected(pd.Series([2 * goal, goal, goal / 2]))
        seen, had = self.question.impressions, self.question.clicks
        low, delta, high = (max(0.0, _SHARE_SOON * (seen * float(rate) - had)) for rate in ctr)
        value = self.economics.conversion * self.economics.order_value * self.config.question_value
        return Impact(
            metric="search clicks",
            delta=round(delta, 2),
            low=round(low, 2),
            high=round(high, 2),
            unit="clicks in 28 days",
            revenue_28d=round(delta * value, 2),
            revenue_low=round(low * value, 2),
            revenue_high=round(high * value, 2),
        )

    def _facts(self) -> dict[str, Any]:
        question, currency = self.question, self.context.currency
        end = self.context.as_of - timedelta(days=1)
        return {
            "question": str(question.rows[0]["query"]).rstrip("?"),
            "wordings": self.words["wordings"]["one" if len(question.rows) == 1 else "many"].format(
                queries=len(question.rows)
            ),
            "impressions": question.impressions,
            "clicks": question.clicks,
            "expected": question.expected,
            "position": question.position,
            "window": span(end - timedelta(days=WINDOW_DAYS - 1), end),
            "page": self.main,
            "locale": self.context.locale,
            "asked": ", ".join(f"“{row['query']}”" for row in question.rows[:_SHOWN]),
            "goal": self.config.goal_position,
            "extra": self.impact.delta,
            "share": self.config.question_value,
            "revenue": money(self.impact.revenue_28d, currency),
            "revenue_low": money(self.impact.revenue_low, currency),
            "revenue_high": money(self.impact.revenue_high, currency),
        }

    def _said(self) -> list[str]:
        """Sentences of the catalogue that hold at least two of the question's words, word for word."""
        found = []
        for key in sorted(self.index.with_all(self.question.text)):
            page = self.pages.loc[key].to_dict()
            evidence = product_evidence(page, self.context.shop_name)
            for sentence in sentences(str(page.get("description") or ""), evidence):
                if len(word_set(sentence) & self.question.words) >= 2:
                    found.append(f"“{sentence}” ({key})")
                    break
            if len(found) == _QUOTES:
                break
        return found

    def _evidence(self) -> tuple[Evidence, ...]:
        end = self.context.as_of - timedelta(days=1)
        start, notes, facts = (
            end - timedelta(days=WINDOW_DAYS - 1),
            self.words["evidence"],
            "marts.fct_search_query_page_daily",
        )

        def row(name: str, value: float, unit: str, baseline: float | None = None, note: str = "") -> Evidence:
            rounded = None if baseline is None else round(baseline, 2)
            return Evidence(
                name=name,
                source=facts,
                value=round(value, 2),
                unit=unit,
                baseline=rounded,
                start=start,
                end=end,
                note=note,
            )

        asked = [
            row(notes["impressions"].format(query=one["query"]), one["impressions"], "impressions")
            for one in self.question.rows[:_SHOWN]
        ]
        return (
            *asked,
            row(notes["position"], self.question.position, "position", note=notes["page"].format(page=self.main)),
            row(notes["clicks"], self.question.clicks, "clicks", self.question.expected, notes["clicks_note"]),
        )

    def _checks(self) -> tuple[CheckRun, ...]:
        notes = self.words["checks"]
        words = ", ".join(sorted(self.question.words))
        return (
            CheckRun(name="nothing answers it", passed=True, note=notes["named"].format(words=words)),
            CheckRun(name="no other proposal", passed=True, note=notes["topic"]),
            CheckRun(name="no invented facts", passed=True, note=notes["facts"]),
        )
