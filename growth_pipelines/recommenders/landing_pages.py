"""Drafts of landing pages: first a preview that search engines are told not to index, then its publication."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from growth_pipelines.actions.model import EASE, ActionDraft, CheckRun, Evidence, FieldChange, Impact, Target
from growth_pipelines.actions.scoring import score
from growth_pipelines.actions.structured_fields import definition_field, entry_field, entry_text, json_text
from growth_pipelines.content.attribution import entry_part
from growth_pipelines.content.duplicates import near_duplicates
from growth_pipelines.content.landing import MOST_PRODUCTS, TYPE, LandingCopy, landing_copy, topic_name
from growth_pipelines.content.lengths import characters
from growth_pipelines.content.structured import structured_templates
from growth_pipelines.recommenders.context import MetaobjectGenConfig, RecommenderContext
from growth_pipelines.recommenders.ctr_curve import PRIOR_CURVE
from growth_pipelines.recommenders.economics import PageEconomics
from growth_pipelines.recommenders.habits import RECORD, habit_checks
from growth_pipelines.recommenders.internal_links import PER_PAGE, PER_SECTION, RELATED, LinkIndex
from growth_pipelines.recommenders.money import WINDOW_DAYS, money, span
from growth_pipelines.recommenders.phrases import phrases
from growth_pipelines.recommenders.topic_gaps import PrefixIndex, unserved_topics

SOURCE = "metaobject_gen@1"
PREVIEW, PUBLISHED = "noindex", "index"
# A page of fewer products than this has nothing to say.
_FEWEST_PRODUCTS = 3
_QUERIES = 10
_SURE_LEAST, _SURE_MOST = 0.5, 0.75
# A new page is found and ranked within the 28 days, so it wins only a part of them.
_SHARE_SOON = 0.5


@dataclass(frozen=True)
class _Plan:
    """One topic with all that its page is made of."""

    topic: Mapping[str, Any]
    queries: list[tuple[str, float]]
    products: list[Mapping[str, Any]]
    family: str
    copy: LandingCopy | None


def landing_drafts(
    frames: Mapping[str, pd.DataFrame],
    context: RecommenderContext,
    config: MetaobjectGenConfig,
    economics: Mapping[str, PageEconomics],
) -> list[ActionDraft]:
    """Pages for topics that none serves, and previews that have stood long enough to be published."""
    pages = frames["pages"].drop_duplicates("page_key")
    existing = _existing(frames["metaobjects"])
    topics = unserved_topics(frames["topics"], pages, config)
    published = [
        _publication(entry, topics, context, economics[""], config)
        for entry in existing.values()
        if entry["fields"].get("robots") == PREVIEW
        and (context.as_of - entry["updated"]).days >= config.preview_days
    ]
    new = topics[~topics["cluster"].isin(existing)].head(config.max_drafts)
    if new.empty:
        return published
    plans = _plans(new, frames, pages, context, economics)
    if not plans:
        return published
    texts = {str(plan.topic["cluster"]): plan.copy.texts["intro"] for plan in plans if plan.copy}
    known = {f"page {key}": entry["fields"].get("intro", "") for key, entry in existing.items()}
    repeated = near_duplicates(texts, known)
    links = _links(pages, plans)
    drafts = [
        _Page(plan, context, config, economics[""], links).draft()
        for plan in plans
        if str(plan.topic["cluster"]) not in repeated
    ]
    return [*published, *drafts]


def _existing(metaobjects: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The landing pages that are there, by topic."""
    found = {}
    for row in metaobjects[metaobjects["type"] == TYPE].to_dict("records"):
        fields = {one["key"]: str(one["value"] or "") for one in json.loads(str(row["fields"] or "[]"))}
        updated = pd.Timestamp(row["updated_at"]).date()
        found[fields.get("topic", "")] = {"handle": str(row["handle"]), "fields": fields, "updated": updated}
    return found


def _plans(
    topics: pd.DataFrame,
    frames: Mapping[str, pd.DataFrame],
    pages: pd.DataFrame,
    context: RecommenderContext,
    economics: Mapping[str, PageEconomics],
) -> list[_Plan]:
    products = pages[(pages["page_type"] == "product") & pages["resource_gid"].notna()].set_index(
        "page_key", drop=False
    )
    text = products["title"].fillna("") + " " + products["description"].fillna("")
    index = PrefixIndex(products["page_key"], text + " " + products["product_type"].fillna(""))
    queries = frames["topic_queries"]
    titles = [str(title) for title in pages["effective_title"].dropna()]
    plans = []
    for topic in topics.to_dict("records"):
        own = queries[queries["cluster"] == topic["cluster"]].head(_QUERIES)
        having = sorted(index.with_all(str(topic["cluster"])), key=lambda key: (-_visits(economics, key), key))
        if len(having) < _FEWEST_PRODUCTS or own.empty:
            continue
        chosen = products.loc[having[:MOST_PRODUCTS]]
        family = str(chosen["product_type"].mode().iloc[0]) if chosen["product_type"].notna().any() else ""
        asked = list(zip(own["query"].astype(str), own["impressions"].astype(float), strict=True))
        rows = chosen.to_dict("records")
        copy = landing_copy(
            asked[0][0],
            rows,
            family=family,
            queries=asked,
            shop_name=context.shop_name,
            locale=context.locale,
            others=titles,
            paused=context.paused_templates,
            habits=context.habits,
        )
        if copy is not None or structured_templates(context.locale) is None:
            plans.append(_Plan(topic, asked, rows, family, copy))
    return plans


def _visits(economics: Mapping[str, PageEconomics], key: str) -> float:
    known = economics.get(key)
    return known.sessions or 0.0 if known else 0.0


def _links(pages: pd.DataFrame, plans: list[_Plan]) -> LinkIndex:
    """The shop's pages with the new ones among them, as if they were there."""
    new = [
        {"page_key": plan.copy.slug, "page_type": "landing", "title": plan.copy.topic, "product_type": plan.family}
        for plan in plans
        if plan.copy
    ]
    columns = ["page_key", "page_type", "title", "product_type"]
    return LinkIndex(pd.DataFrame([*pages[columns].fillna({"title": ""}).to_dict("records"), *new]))


class _Page:
    """Writes the draft of one landing page."""

    def __init__(
        self,
        plan: _Plan,
        context: RecommenderContext,
        config: MetaobjectGenConfig,
        economics: PageEconomics,
        links: LinkIndex,
    ) -> None:
        self.plan, self.context, self.config, self.economics = plan, context, config, economics
        self.links = links
        self.words = phrases("metaobject_gen")["landing"]
        self.impact = _impact(plan.topic, economics, config)

    def draft(self) -> ActionDraft:
        copy, facts = self.plan.copy, self._facts()
        quality = copy.quality if copy else 0.0
        confidence = round(_SURE_LEAST + (_SURE_MOST - _SURE_LEAST) * quality, 4)
        ease = EASE["new_page"] if copy else EASE["task_card"]
        learnt = self.context.learnt("metaobject_gen", "landing_page", confidence)
        ranked = score(self.impact.revenue_28d, confidence * self.economics.basis_factor, ease, learnt)
        draft, diff = self._content(copy) if copy else self._task(facts)
        return ActionDraft(
            kind="metaobject_gen",
            subtype="landing_page",
            source=SOURCE,
            title=self.words["title"].format(**facts),
            rationale=self.words["rationale"].format(**facts),
            why_now=self.words["why_now"],
            target=Target(
                type="metaobject", gid="", url=self.context.url_of(facts["slug"]), handle=_handle(facts["slug"])
            ),
            draft=draft,
            diff=diff,
            evidence=self._evidence(),
            checks=(*self._checks(copy), *habit_checks(draft.get(RECORD, {}))) if copy else (),
            freshness=self.context.freshness,
            confidence=confidence,
            ease=ease,
            impact=self.impact,
            risk_tier="low",
            priority="low",
            score=ranked.value,
            factors={**ranked.factors, "text_quality": round(quality, 4)},
            ranking_version=self.context.corrections.version,
            rollback_plan=self.words["rollback"] if copy else self.words["task"]["rollback"],
            labels=("preview",) if copy else (),
        )

    def _facts(self) -> dict[str, Any]:
        topic, copy, currency = self.plan.topic, self.plan.copy, self.context.currency
        name = copy.topic if copy else topic_name(self.plan.queries[0][0], self.context.locale)
        return {
            "topic": name,
            "slug": copy.slug if copy else f"/guides/{topic['cluster']}".replace(" ", "-"),
            "window": span(*_window(self.context.as_of)),
            "impressions": topic["impressions"],
            "clicks": topic["clicks"],
            "position": topic["main_page_position"],
            "products": len(self.plan.products),
            "goal": self.config.goal_position,
            "extra": self.impact.delta,
            "locale": self.context.locale,
            "queries": ", ".join(f"“{query}”" for query, _ in self.plan.queries[:3]),
            "revenue": money(self.impact.revenue_28d, currency),
            "revenue_low": money(self.impact.revenue_low, currency),
            "revenue_high": money(self.impact.revenue_high, currency),
        }

    def _content(self, copy: LandingCopy) -> tuple[dict[str, Any], tuple[FieldChange, ...]]:
        template = structured_templates(self.context.locale)
        handle = _handle(copy.slug)
        data = _structured_data(copy, self.context.url_of(copy.slug), self.plan.products, self.context)
        fields = {
            **copy.texts,
            "slug": copy.slug,
            "products": json_text([str(product["resource_gid"]) for product in self.plan.products]),
            "links": json_text(self._links(copy)),
            "structured_data": json_text(data),
            "robots": PREVIEW,
            "topic": str(self.plan.topic["cluster"]),
            "source": f"{TYPE}:{handle}:{template['version'] if template else 0}",
        }
        entry = {"type": TYPE, "handle": handle, "fields": fields}
        templates = {entry_part(TYPE, handle, name): [made_by] for name, made_by in copy.templates.items()}
        draft = {"template": fields["source"], "templates": templates, "entries": [entry]}
        if copy.habits:
            draft[RECORD] = {name: found.document() for name, found in copy.habits.items()}
        return draft, _diff(handle, {}, fields)

    def _links(self, copy: LandingCopy) -> list[dict[str, str]]:
        """To the products that have it, and to the collections and guides most alike."""
        products = [
            {"section": RELATED, "url": str(product["page_key"]), "anchor": str(product["title"])}
            for product in self.plan.products[:PER_SECTION]
        ]
        others = [link for link in self.links.links_of(copy.slug) if link["section"] != RELATED]
        return [*products, *others][:PER_PAGE]

    def _task(self, facts: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[FieldChange, ...]]:
        summary = self.words["task"]["summary"].format(**facts)
        draft = {"summary": summary, "steps": [step.format(**facts) for step in self.words["task"]["steps"]]}
        return draft, (FieldChange(field="task", before="", after=summary, change_type="task"),)

    def _evidence(self) -> tuple[Evidence, ...]:
        start, end = _window(self.context.as_of)
        topic, clusters = self.plan.topic, "marts.fct_search_query_clusters"

        def row(name: str, value: float, unit: str, note: str = "", source: str = clusters) -> Evidence:
            return Evidence(
                name=name, source=source, value=round(value, 4), unit=unit, start=start, end=end, note=note
            )

        shown = f"best page: {topic['main_page_key']}"
        queries = [
            row(f"Impressions of “{query}”", seen, "impressions", source="marts.dim_search_queries")
            for query, seen in self.plan.queries[:3]
        ]
        return (
            row("Impressions", topic["impressions"], "impressions"),
            row("Clicks", topic["clicks"], "clicks"),
            row("Position of the best page", topic["main_page_position"], "position", shown),
            *queries,
            row("Products that have it", len(self.plan.products), "products", source="marts.dim_pages"),
            row("Conversion rate", self.economics.conversion, "orders per visit", source="marts.dim_shops"),
            row("Order value", self.economics.order_value, self.context.currency, source="marts.dim_shops"),
        )

    def _checks(self, copy: LandingCopy) -> tuple[CheckRun, ...]:
        notes, topic = phrases("metaobject_gen")["checks"], self.plan.topic
        sizes = {name: characters(copy.texts[name]) for name in ("title", "h1", "intro")}
        lengths = notes["lengths"].format(**sizes, meta=characters(copy.texts["meta_description"]))
        tier = min(copy.scores.values(), key=lambda one: one.total).tier
        contested = notes["cannibalisation"].format(contested=topic["contested_queries"], queries=topic["queries"])
        return (
            CheckRun(name="claims are verified", passed=True, note=notes["claims"]),
            CheckRun(name="lengths", passed=True, note=lengths),
            CheckRun(name="no page competes", passed=True, note=contested),
            CheckRun(name="no near-duplicate", passed=True, note=notes["unique"]),
            CheckRun(name="structured data", passed=True, note=notes["data"].format(types="CollectionPage")),
            CheckRun(name="preview first", passed=True, note=notes["preview"]),
            CheckRun(
                name="quality",
                passed=not any(one.needs_review for one in copy.scores.values()),
                note=notes["quality"].format(quality=copy.quality, tier=tier),
            ),
        )


def _publication(
    entry: Mapping[str, Any],
    topics: pd.DataFrame,
    context: RecommenderContext,
    economics: PageEconomics,
    config: MetaobjectGenConfig,
) -> ActionDraft:
    """The preview's second step: nothing but its word for search engines changes."""
    before: dict[str, str] = entry["fields"]
    after, handle = {**before, "robots": PUBLISHED}, entry["handle"]
    of_topic = topics[topics["cluster"] == before.get("topic", "")].to_dict("records")
    impact = _impact(of_topic[0] if of_topic else {"impressions": 0, "clicks": 0}, economics, config)
    words, url = phrases("metaobject_gen")["landing"]["publish"], context.url_of(before.get("slug", ""))
    days = (context.as_of - entry["updated"]).days
    facts = {"topic": before.get("h1", handle), "url": url, "days": days}
    confidence = _SURE_MOST
    ranked = score(
        impact.revenue_28d,
        confidence * economics.basis_factor,
        EASE["setting"],
        context.learnt("metaobject_gen", "landing_page", confidence),
    )
    end = context.as_of - timedelta(days=1)
    evidence = Evidence(
        name="Days as a preview",
        source="marts.dim_metaobjects",
        value=float(days),
        unit="days",
        baseline=float(config.preview_days),
        start=entry["updated"],
        end=max(end, entry["updated"]),
        note="baseline: how long a preview stands at least",
    )
    return ActionDraft(
        kind="metaobject_gen",
        subtype="landing_page",
        source=SOURCE,
        title=words["title"].format(**facts),
        rationale=words["rationale"].format(**facts),
        why_now=words["why_now"],
        target=Target(type="metaobject", gid="", url=url, handle=handle),
        draft={
            "template": before.get("source", ""),
            "entries": [{"type": TYPE, "handle": handle, "fields": {k: v for k, v in after.items() if v}}],
        },
        diff=_diff(handle, before, after),
        evidence=(evidence,),
        freshness=context.freshness,
        confidence=confidence,
        ease=EASE["setting"],
        impact=impact,
        risk_tier="medium",
        priority="low",
        score=ranked.value,
        factors=ranked.factors,
        ranking_version=context.corrections.version,
        rollback_plan=words["rollback"],
        labels=("publish",),
    )


def _impact(topic: Mapping[str, Any], economics: PageEconomics, config: MetaobjectGenConfig) -> Impact:
    """Clicks of the topic's impressions at the goal position less those it has; the interval (90 %) spans from
    what the second page of results brings to what twice as good a position does."""
    goal = float(config.goal_position)
    ctr = PRIOR_CURVE.expected(pd.Series([2 * goal, goal, goal / 2]))
    seen, had = float(topic["impressions"]), float(topic["clicks"])
    low, delta, high = (max(0.0, _SHARE_SOON * (seen * float(rate) - had)) for rate in ctr)
    value = economics.conversion * economics.order_value
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


def _diff(handle: str, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[FieldChange, ...]:
    kind = "change" if before else "add"
    was = TYPE if before else ""
    return (
        FieldChange(field=definition_field(TYPE), before=was, after=TYPE, change_type=kind),
        FieldChange(
            field=entry_field(TYPE, handle), before=entry_text(before), after=entry_text(after), change_type=kind
        ),
    )


def _structured_data(
    copy: LandingCopy, url: str, products: list[Mapping[str, Any]], context: RecommenderContext
) -> dict[str, Any]:
    """schema.org CollectionPage with its list of products (https://schema.org/CollectionPage)."""
    items = [
        {
            "@type": "ListItem",
            "position": position,
            "url": context.url_of(str(product["page_key"])),
            "name": product["title"],
        }
        for position, product in enumerate(products, start=1)
    ]
    return {
        "@context": "https://schema.org",
        "@type": "CollectionPage",
        "name": copy.texts["h1"],
        "description": copy.texts["meta_description"],
        "url": url,
        "mainEntity": {"@type": "ItemList", "numberOfItems": len(items), "itemListElement": items},
    }


def _handle(slug: str) -> str:
    """The entry's name: the address without its slashes."""
    return slug.strip("/").replace("/", "-")


def _window(as_of: date) -> tuple[date, date]:
    end = as_of - timedelta(days=1)
    return end - timedelta(days=WINDOW_DAYS - 1), end
