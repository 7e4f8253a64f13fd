"""``cwv_repair``: pages whose Core Web Vitals are bad for real visitors, with cause and repair.

Field data decide: a page is offered when a vital regressed (see :mod:`growth_pipelines.monitoring.vitals`) or has
stood over its threshold in three windows without a common visit. Lab data explain: they choose the steps. One
action covers one page and metric, on whatever devices it shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from growth_pipelines.actions.body_html import image_field
from growth_pipelines.actions.model import (
    EASE,
    ActionDraft,
    CheckRun,
    Evidence,
    FieldChange,
    Impact,
    Priority,
    Target,
)
from growth_pipelines.actions.recheck import RECHECK_DAYS
from growth_pipelines.actions.scoring import score
from growth_pipelines.monitoring.vitals import THRESHOLDS, rating
from growth_pipelines.recommenders.cells import text
from growth_pipelines.recommenders.context import CwvRepairConfig, RecommenderContext
from growth_pipelines.recommenders.economics import PROXY_FACTOR, PageEconomics, economics_by_page
from growth_pipelines.recommenders.image_repairs import Repairs, image_repairs
from growth_pipelines.recommenders.lab import Diagnosis, details_of, diagnose, file_name
from growth_pipelines.recommenders.money import Worth, day, money, span, worth
from growth_pipelines.recommenders.phrases import phrases
from growth_pipelines.recommenders.vitals_problems import Problem, find_problems, vital_text
from growth_pipelines.recommenders.vitals_worth import extra_sessions

SOURCE = "cwv_repair@1"
# Pages whose own text can be written.
BODY_TYPES = ("product", "collection", "page", "article")
_SUBTYPES = {"image": "image", "lazy": "image", "script": "script", "layout": "layout", "font": "font"}
_PRIORITY: dict[str, Priority] = {"critical": "critical", "high": "high", "medium": "medium"}
# How likely a repair succeeds: without a known cause, and with one cause that more than explains the loss.
_PROMISE_UNKNOWN, _PROMISE_KNOWN = 0.55, 0.94
# The multipliers are beliefs from published studies: half to one and a half times them is the interval.
_MULTIPLIER_ERROR = 0.5


def recommend(
    frames: Mapping[str, pd.DataFrame], context: RecommenderContext, config: CwvRepairConfig
) -> list[ActionDraft]:
    """Drafts for every problem with enough sessions, best score first."""
    vitals = frames["vitals"]
    vitals = vitals[pd.to_datetime(vitals["period_end"]) <= pd.Timestamp(context.as_of)]
    if vitals.empty:
        return []
    desk = _Desk(frames, context, config)
    drafts = [draft for problem in find_problems(vitals, config) if (draft := desk.draft(problem)) is not None]
    return sorted(drafts, key=lambda draft: (-draft.score, draft.target.url, draft.impact.metric))


class _Desk:
    """Writes the drafts of one batch; holds what all of them share."""

    def __init__(
        self, frames: Mapping[str, pd.DataFrame], context: RecommenderContext, config: CwvRepairConfig
    ) -> None:
        self.context, self.config = context, config
        pages = frames["pages"].drop_duplicates("page_key")
        self.pages = {str(row["page_key"]): row for row in pages.to_dict("records")}
        self.bodies = {str(row["page_key"]): row for row in frames["bodies"].to_dict("records")}
        self.economics = economics_by_page(frames["performance"], frames["shop"])
        clicks = frames["performance"].drop_duplicates("page_key").set_index("page_key")["clicks"]
        self.clicks = {str(key): float(value) for key, value in clicks.fillna(0).items()}
        newest = (
            frames["lab"]
            .sort_values("fetched_at", kind="stable")
            .drop_duplicates(["page_key", "strategy"], keep="last")
        )
        self.lab = {(str(row["page_key"]), str(row["strategy"])): row for row in newest.to_dict("records")}
        self.copy = phrases("cwv_repair")

    def draft(self, problem: Problem) -> ActionDraft | None:
        """The action for one problem; None when the page is unknown or too few people see it."""
        page = self.pages.get(problem.page_key)
        economics = self.economics.get(problem.page_key, self.economics[""])
        sessions = self._sessions(problem, economics)
        if page is None or sessions < self.config.min_sessions:
            return None
        value = self._worth(problem, sessions, economics)
        lab = self._lab_run(problem)
        diagnosis = diagnose(problem.metric, lab["details"]) if lab else Diagnosis()
        subtype = _SUBTYPES.get(diagnosis.cause, "task_card")
        promise = _promise(problem, diagnosis)
        confidence = round((1 - problem.q_value) * promise, 4)
        basis = economics.basis_factor if economics.sessions is not None else PROXY_FACTOR
        learnt = self.context.learnt("cwv_repair", subtype, confidence)
        repairs = Repairs()
        if lab and text(page.get("page_type")) in BODY_TYPES:
            repairs = image_repairs(diagnosis.cause, details_of(lab["details"]), self.bodies.get(problem.page_key))
        ranked = score(
            value.revenue, confidence * basis, EASE["setting" if repairs.complete else "task_card"], learnt
        )
        facts = self._facts(problem, page, value, diagnosis, lab)
        wording = self._wording(problem, diagnosis, facts, basis)
        draft, diff, rollback = self._change(page, diagnosis, facts, wording, repairs)
        return ActionDraft(
            kind="cwv_repair",
            subtype=subtype,
            source=SOURCE,
            title=wording["title"],
            rationale=wording["rationale"],
            why_now=wording["why_now"],
            target=Target(
                type=str(page["page_type"]),
                gid=text(page.get("resource_gid")),
                url=self.context.url_of(problem.page_key),
                handle=text(page.get("handle")),
            ),
            draft=draft,
            diff=diff,
            evidence=self._evidence(problem, sessions, economics, lab),
            checks=(*self._checks(problem, diagnosis, sessions), self._way(draft, diagnosis, repairs)),
            freshness=self.context.freshness or f"field data to {day(problem.end)}",
            confidence=confidence,
            ease=ranked.factors["ease"],
            impact=Impact(
                metric=f"sessions_{problem.metric}",
                delta=round(value.visits, 2),
                low=round(value.low, 2),
                high=round(value.high, 2),
                unit="sessions in 28 days",
                revenue_28d=round(value.revenue, 2),
                revenue_low=round(value.revenue_low, 2),
                revenue_high=round(value.revenue_high, 2),
            ),
            risk_tier="low" if subtype in ("image", "task_card") else "medium",
            priority=_PRIORITY[problem.severity] if problem.regressed else "low",
            score=ranked.value,
            factors={
                **ranked.factors,
                "cause_share": round(diagnosis.share, 4),
                "repair_promise": round(promise, 4),
            },
            ranking_version=self.context.corrections.version,
            rollback_plan=rollback,
            labels=(
                "regressed" if problem.regressed else "standing",
                "automated" if "alt" in draft or "images" in draft else "manual",
                *(("proxy",) if basis < 1 else ()),
            ),
        )

    def _sessions(self, problem: Problem, economics: PageEconomics) -> float:
        """Sessions in 28 days on the devices concerned; search clicks stand in where sessions can't be read."""
        whole = economics.sessions if economics.sessions is not None else self.clicks.get(problem.page_key, 0.0)
        share = {"phone": self.config.phone_share, "desktop": 1 - self.config.phone_share}
        return whole * share.get(problem.form_factor, 1.0)

    @staticmethod
    def _worth(problem: Problem, sessions: float, economics: PageEconomics) -> Worth:
        extra = extra_sessions(sessions, problem.metric, rating(problem.metric, problem.after), problem.goal)
        low, high = extra * (1 - _MULTIPLIER_ERROR), extra * (1 + _MULTIPLIER_ERROR)
        return worth(extra, low, high, economics.conversion, economics.order_value, economics.orders)

    def _lab_run(self, problem: Problem) -> Mapping[Any, Any] | None:
        order = ("desktop", "mobile") if problem.form_factor == "desktop" else ("mobile", "desktop")
        return next((run for name in order if (run := self.lab.get((problem.page_key, name)))), None)

    def _facts(
        self,
        problem: Problem,
        page: Mapping[Any, Any],
        value: Worth,
        diagnosis: Diagnosis,
        lab: Mapping[Any, Any] | None,
    ) -> dict[str, Any]:
        currency = self.context.currency
        return {
            **diagnosis.facts,
            "name": page["title"],
            "url": self.context.url_of(problem.page_key),
            "metric": self.copy["metrics"][problem.metric]["name"],
            "where": self.copy["form_factors"][problem.form_factor],
            "before": vital_text(problem.metric, problem.before),
            "after": vital_text(problem.metric, problem.after),
            "good": vital_text(problem.metric, THRESHOLDS[problem.metric][0]),
            "goal": self.copy["goals"][problem.goal],
            "window": span(problem.start, problem.end),
            "since": day(problem.since),
            "fetched": day(pd.Timestamp(lab["fetched_at"]).date()) if lab else "",
            "visits": value.visits,
            "revenue": money(value.revenue, currency),
            "revenue_low": money(value.revenue_low, currency),
            "revenue_high": money(value.revenue_high, currency),
            "weekly": money(value.revenue / 4, currency),
        }

    def _wording(
        self, problem: Problem, diagnosis: Diagnosis, facts: Mapping[str, Any], basis: float
    ) -> dict[str, str]:
        copy, kind = self.copy["rationale"], "regressed" if problem.regressed else "standing"
        known = diagnosis.cause != "unknown"
        finding = self.copy["findings"][diagnosis.cause].format(**facts) if known else ""
        cause = copy["cause"].format(finding=finding, **facts) if known else copy["no_cause"]
        parts = [copy[kind].format(**facts), cause, copy["worth"].format(**facts)]
        return {
            "title": self.copy["title"][diagnosis.cause].format(**facts),
            "rationale": " ".join([*parts, copy["proxy"]] if basis < 1 else parts),
            "why_now": self.copy["why_now"][kind].format(**facts),
            "summary": self.copy["summary"][diagnosis.cause].format(**facts),
        }

    def _change(
        self,
        page: Mapping[Any, Any],
        diagnosis: Diagnosis,
        facts: Mapping[str, Any],
        wording: Mapping[str, str],
        repairs: Repairs,
    ) -> tuple[dict[str, Any], tuple[FieldChange, ...], str]:
        """Draft, diff and rollback plan: what can be written (images of the text, or a missing alt text where the
        image is at fault), and a task card for the rest."""
        if repairs.images:
            return self._image_change(diagnosis, facts, wording, repairs)
        steps = [step.format(**facts) for step in self.copy["steps"][diagnosis.cause]]
        draft: dict[str, Any] = {"summary": wording["summary"], "steps": steps}
        task = FieldChange(field="task", before="", after=wording["summary"], change_type="task")
        if not _wants_alt(page, diagnosis):
            return draft, (task,), self.copy["rollback"]["task"].strip()
        alt = self.copy["alt"].format(**facts)
        draft |= {"media_gid": str(page["image_gid"]), "alt": alt}
        change = FieldChange(field="image.alt", before="", after=alt, change_type="add")
        return draft, (change, task), self.copy["rollback"]["alt"].strip()

    def _image_change(
        self,
        diagnosis: Diagnosis,
        facts: Mapping[str, Any],
        wording: Mapping[str, str],
        repairs: Repairs,
    ) -> tuple[dict[str, Any], tuple[FieldChange, ...], str]:
        """The tags of the text's images as they would be; steps only for what that leaves to do."""
        draft: dict[str, Any] = {
            "summary": wording["summary"],
            "images": [{"file": image.file, "tag": image.after} for image in repairs.images],
        }
        diff = [
            FieldChange(field=image_field(image.file), before=image.before, after=image.after)
            for image in repairs.images
        ]
        if not repairs.complete:
            draft["steps"] = [step.format(**facts) for step in self.copy["steps"][diagnosis.cause]]
            diff.append(FieldChange(field="task", before="", after=wording["summary"], change_type="task"))
        return draft, tuple(diff), self.copy["rollback"]["images"].strip()

    def _way(self, draft: Mapping[str, Any], diagnosis: Diagnosis, repairs: Repairs) -> CheckRun:
        """Whether the machine repairs it or a person, and why."""
        ways = self.copy["ways"]
        partly = bool(repairs.images) or "alt" in draft
        if repairs.images:
            done = ", ".join(self.copy["repairs"][what] for what in _each(repairs))
            note = ways["images" if repairs.complete else "images_and_task"].format(done=done)
        elif "alt" in draft:
            note = ways["alt"]
        else:
            note = ways["task"][diagnosis.cause]
        way = "automated" if repairs.complete else "partly automated" if partly else "manual"
        return CheckRun(name=way, passed=True, note=note)

    def _evidence(
        self, problem: Problem, sessions: float, economics: PageEconomics, lab: Mapping[Any, Any] | None
    ) -> tuple[Evidence, ...]:
        unit = {"lcp": "ms", "inp": "ms", "cls": ""}[problem.metric]
        name = self.copy["metrics"][problem.metric]["name"]
        window = {"start": problem.start, "end": problem.end}
        note = f"{self.copy['form_factors'][problem.form_factor]}; baseline: before {day(problem.since)}"
        performance = "marts.fct_page_performance"
        rows = [
            Evidence(
                name=f"{name} p75, field",
                source="marts.fct_web_vitals",
                value=round(problem.after, 3),
                unit=unit,
                baseline=round(problem.before, 3),
                note=note,
                **window,
            ),
            Evidence(name="Sessions", source=performance, value=round(sessions), unit="sessions", **window),
            Evidence(
                name="Conversion rate",
                source=performance,
                value=round(economics.conversion, 4),
                unit="orders per visit",
                note=economics.basis,
                **window,
            ),
            Evidence(
                name="Order value",
                source=performance,
                value=round(economics.order_value, 2),
                unit=self.context.currency,
                **window,
            ),
        ]
        rows.append(
            Evidence(
                name=f"{name} p75, to reach",
                source="marts.fct_web_vitals",
                value=THRESHOLDS[problem.metric][problem.goal != "good"],
                unit=unit,
                baseline=round(problem.after, 3),
                note=self.copy["recheck"].format(days=RECHECK_DAYS, metric=name),
                **window,
            )
        )
        if lab:
            fetched = pd.Timestamp(lab["fetched_at"]).date()
            column = {"lcp": "lcp_ms", "inp": "tbt_ms", "cls": "cls"}[problem.metric]
            label = {"lcp": "LCP, lab", "inp": "Total blocking time, lab", "cls": "CLS, lab"}[problem.metric]
            reading = lab.get(column)
            rows.append(
                Evidence(
                    name=label,
                    source="marts.fct_lab_runs",
                    value=None if reading is None or math.isnan(float(reading)) else round(float(reading), 3),
                    unit=unit,
                    start=fetched,
                    end=fetched,
                    note=str(lab["strategy"]),
                )
            )
        return tuple(rows)

    def _checks(self, problem: Problem, diagnosis: Diagnosis, sessions: float) -> tuple[CheckRun, ...]:
        notes = self.copy["checks"]
        real = notes["real"].format(q=problem.q_value) if problem.regressed else notes["standing"]
        explained = diagnosis.cause != "unknown"
        lab = notes["lab"].format(share=diagnosis.share) if explained else notes["no_lab"]
        counted = notes["sessions"].format(sessions=sessions, least=self.config.min_sessions)
        return (
            CheckRun(name="field data show it", passed=True, note=real),
            CheckRun(name="lab data explain it", passed=explained, note=lab),
            CheckRun(name="enough sessions", passed=True, note=counted),
        )


def _promise(problem: Problem, diagnosis: Diagnosis) -> float:
    """How likely the repair works: more when one cause stands out, and costs enough to explain what was lost."""
    good = THRESHOLDS[problem.metric][0]
    lost = max(problem.after - (problem.before if problem.regressed else good), 1e-9)
    explained = diagnosis.share * (1 - math.exp(-diagnosis.weight / lost))
    return _PROMISE_UNKNOWN + (_PROMISE_KNOWN - _PROMISE_UNKNOWN) * explained


def _wants_alt(page: Mapping[Any, Any], diagnosis: Diagnosis) -> bool:
    """Whether the image at fault is the page's own and has no alt text."""
    if diagnosis.cause not in ("image", "lazy") or not text(page.get("image_gid")):
        return False
    own = file_name(text(page.get("image_url")))
    return bool(own) and own == diagnosis.facts.get("file") and not text(page.get("image_alt")).strip()


def _each(repairs: Repairs) -> list[str]:
    return list(dict.fromkeys(what for image in repairs.images for what in image.what))
