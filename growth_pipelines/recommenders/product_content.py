"""Drafts of questions with answers, of specifications and of how-tos for products that lack them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from growth_pipelines.actions.model import EASE, ActionDraft, CheckRun, Evidence, FieldChange, Impact, Target
from growth_pipelines.actions.scoring import score
from growth_pipelines.actions.structured_fields import (
    definition_field,
    entry_field,
    entry_text,
    json_text,
    metafield_field,
    reference_text,
)
from growth_pipelines.content import score as quality_of
from growth_pipelines.content.attribution import entry_part
from growth_pipelines.content.habits import Followed
from growth_pipelines.content.lengths import characters
from growth_pipelines.content.structured import (
    FEWEST_ENTRIES,
    FEWEST_QUESTIONS,
    Pair,
    faq_page,
    how_to_data,
    product_data,
    product_evidence,
    questions,
    specifications,
    structured_templates,
)
from growth_pipelines.recommenders.context import MetaobjectGenConfig, RecommenderContext
from growth_pipelines.recommenders.economics import PageEconomics
from growth_pipelines.recommenders.habits import RECORD, habit_checks
from growth_pipelines.recommenders.money import WINDOW_DAYS, money
from growth_pipelines.recommenders.phrases import phrases

SOURCE = "metaobject_gen@1"
TYPES = {"faq": "growth_faq", "specifications": "growth_specification", "how_to": "growth_how_to"}
_KEYS = {"faq": ("question", "answer"), "specifications": ("name", "value"), "how_to": ("how_to", "step")}
_LONGEST_NAME = 180
_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
Write = Callable[..., list[Pair]]
# How sure it is that the texts help, from templates alone and with the best of scores; learned rates correct it.
_SURE_LEAST, _SURE_MOST = 0.55, 0.8


@dataclass(frozen=True)
class Written:
    """What is said of one product: pairs by part, ``quality`` 0 to 1.

    ``text`` is what is said anew: all but the how-to, which is the page's own list word for word. ``templates``
    name what made the pairs of a part, one each; ``habits`` say what parts follow of operators' habits.
    """

    pairs: dict[str, list[tuple[str, str]]]
    templates: dict[str, list[str]]
    text: str
    quality: float
    tier: str
    habits: dict[str, Followed]


def written_for(product: Mapping[str, Any], context: RecommenderContext) -> Written:
    """The texts for what the product lacks; parts of too few entries are left out."""
    offered: dict[str, tuple[Write, int]] = {
        "faq": (partial(questions, habits=context.habits), FEWEST_QUESTIONS),
        "specifications": (specifications, FEWEST_ENTRIES),
    }
    pairs: dict[str, list[tuple[str, str]]] = {}
    templates: dict[str, list[str]] = {}
    for part, (write, fewest) in offered.items():
        if product[f"needs_{part}"]:
            found = write(
                product,
                shop_name=context.shop_name,
                locale=context.locale,
                paused=context.paused_templates,
            )
            if len(found) >= fewest:
                pairs[part] = [(pair.left, pair.right) for pair in found]
                templates[part] = [pair.template for pair in found]
    text = " ".join(f"{left} {right}" for rows in pairs.values() for left, right in rows)
    if product["needs_how_to"]:
        pairs["how_to"] = list(product["how_to"])
    judged = quality_of(
        " ".join([text, *_told(pairs.get("how_to", ()))]).strip(),
        "guide",
        {
            "evidence": _evidence_of(product, context),
            "subject": product["title"],
            "citations": [str(product["page_key"])],
            "locale": context.locale,
        },
    )
    return Written(pairs, templates, text, judged.total, judged.tier, _followed(pairs, product, context))


def _followed(
    pairs: Mapping[str, list[tuple[str, str]]], product: Mapping[str, Any], context: RecommenderContext
) -> dict[str, Followed]:
    """What each part follows of operators' habits: facts and the page's own steps are said as they are."""
    found = {}
    for part, rows in pairs.items() if context.habits else ():
        text = plain = " ".join(f"{left} {right}" for left, right in rows)
        if part == "faq":
            written = questions(
                product,
                shop_name=context.shop_name,
                locale=context.locale,
                paused=context.paused_templates,
            )
            plain = " ".join(f"{pair.left} {pair.right}" for pair in written)
        found[part] = context.habits.of_part(part).compared(plain, text)
    return {part: followed for part, followed in found.items() if followed}


def _told(how_to: Sequence[tuple[str, str]]) -> list[str]:
    """A how-to as one reads it: its name once, then the steps."""
    return [how_to[0][0], *(step for _, step in how_to)] if how_to else []


def _evidence_of(product: Mapping[str, Any], context: RecommenderContext) -> dict[str, Any]:
    template = structured_templates(context.locale)
    names = [row["name"] for row in template["specifications"]] if template else []
    return {**product_evidence(product, context.shop_name), "names": names}


def product_draft(
    product: Mapping[str, Any],
    written: Written,
    context: RecommenderContext,
    config: MetaobjectGenConfig,
    economics: PageEconomics,
) -> ActionDraft:
    """The action for one product; a task card where nothing could be written."""
    copy = phrases("metaobject_gen")["product"]
    value = _worth(product, written, config, economics)
    facts = _facts(product, written, context, config, value)
    draft, diff = _content(product, written, context) if written.pairs else _task(facts, copy)
    confidence = round(_SURE_LEAST + (_SURE_MOST - _SURE_LEAST) * written.quality, 4)
    ease = EASE["several_assets"] if written.pairs else EASE["task_card"]
    learnt = context.learnt("metaobject_gen", "product_content", confidence)
    ranked = score(value["revenue"], confidence * economics.basis_factor, ease, learnt)
    return ActionDraft(
        kind="metaobject_gen",
        subtype="product_content",
        source=SOURCE,
        title=copy["title"].format(**facts),
        rationale=copy["rationale"].format(**facts),
        why_now=copy["why_now"].format(**facts) if written.pairs else copy["task"]["why"].format(**facts),
        target=Target(
            type="product",
            gid=str(product["resource_gid"]),
            url=context.url_of(str(product["page_key"])),
            handle=str(product["handle"]),
        ),
        draft=draft,
        diff=diff,
        evidence=_evidence(product, context, economics, config, value),
        checks=_checks(draft, written),
        freshness=context.freshness,
        confidence=confidence,
        ease=ease,
        impact=Impact(
            metric="orders",
            delta=round(value["orders"], 3),
            low=round(value["low"], 3),
            high=round(value["high"], 3),
            unit="orders in 28 days",
            revenue_28d=round(value["revenue"], 2),
            revenue_low=round(value["revenue_low"], 2),
            revenue_high=round(value["revenue_high"], 2),
        ),
        risk_tier="low",
        priority="low",
        score=ranked.value,
        factors={**ranked.factors, "text_quality": written.quality},
        ranking_version=context.corrections.version,
        rollback_plan=(copy if written.pairs else copy["task"])["rollback"].format(**facts),
        labels=tuple(part for part in TYPES if product[f"needs_{part}"]),
    )


def _worth(
    product: Mapping[str, Any], written: Written, config: MetaobjectGenConfig, economics: PageEconomics
) -> dict[str, float]:
    """Visits × conversion × lift × order value, with the 90 % interval of the lift."""
    lifts = {
        "faq": config.faq_lift,
        "specifications": config.specification_lift,
        "how_to": config.how_to_lift,
    }
    wanted = [lift for part, lift in lifts.items() if part in written.pairs or product[f"needs_{part}"]]
    lift, visits = sum(wanted), economics.sessions or 0.0
    orders = visits * economics.conversion * lift
    low, high = orders * config.lift_low, orders * config.lift_high
    price = economics.order_value
    return {
        "visits": visits,
        "lift": lift,
        "orders": orders,
        "low": low,
        "high": high,
        "revenue": orders * price,
        "revenue_low": low * price,
        "revenue_high": high * price,
    }


def _facts(
    product: Mapping[str, Any],
    written: Written,
    context: RecommenderContext,
    config: MetaobjectGenConfig,
    value: Mapping[str, float],
) -> dict[str, Any]:
    copy = phrases("metaobject_gen")
    parts = [part for part in TYPES if product[f"needs_{part}"] and (part in written.pairs or not written.pairs)]
    why = []
    if "faq" in parts:
        why.append("price" if product["price"] > config.faq_price else "technical")
    if "specifications" in parts:
        why.append("specifications")
    if "how_to" in parts:
        why.append("how_to")
    facts = {
        "name": product["title"],
        "variants": int(product["variants"]),
        "limit": money(config.faq_price, context.currency),
        "url": context.url_of(str(product["page_key"])),
        "locale": context.locale,
        "steps": len(written.pairs.get("how_to", ())),
        "parts": " and ".join(copy["parts"][part] for part in parts),
        "count": sum(map(len, written.pairs.values())),
        "sessions": value["visits"],
        "lift": value["lift"],
        "weekly": money(value["revenue"] / 4, context.currency),
        **{name: money(value[name], context.currency) for name in ("revenue", "revenue_low", "revenue_high")},
    }
    return {**facts, "why": " ".join(copy["product"]["why"][name].format(**facts) for name in why)}


def _content(
    product: Mapping[str, Any], written: Written, context: RecommenderContext
) -> tuple[dict[str, Any], tuple[FieldChange, ...]]:
    """The draft {template, templates, entries, structured_data} and its diff, field by field as it is written."""
    template = structured_templates(context.locale)
    version = template["version"] if template else 0
    slug = _entry_name(product)
    entries: list[dict[str, Any]] = []
    made_by: dict[str, list[str]] = {}
    changes: list[tuple[str, str]] = []
    for part, pairs in written.pairs.items():
        type_name = TYPES[part]
        left, right = _KEYS[part]
        named = [f"{slug}-{position}" for position in range(1, len(pairs) + 1)]
        common = {"product": str(product["resource_gid"]), "source": f"{type_name}:{slug}:{version}"}
        if part in written.templates:
            each = zip(named, written.templates[part], strict=True)
            made_by |= {entry_part(type_name, handle): [template] for handle, template in each}
        changes.append((definition_field(type_name), type_name))
        for handle, pair in zip(named, pairs, strict=True):
            fields = {left: pair[0], right: pair[1], **common}
            entries.append({"type": type_name, "handle": handle, "fields": fields})
            changes.append((entry_field(type_name, handle), entry_text(fields)))
        changes.append((metafield_field(part), reference_text([(type_name, handle) for handle in named])))
    data = _structured_data(product, written, context)
    changes += [(metafield_field(key), text) for key, text in data.items()]
    diff = tuple(FieldChange(field=name, before="", after=after, change_type="add") for name, after in changes)
    draft: dict[str, Any] = {
        "template": f"product_content:{slug}:{version}",
        "entries": entries,
        "structured_data": data,
    }
    if written.habits:
        draft[RECORD] = {part: found.document() for part, found in written.habits.items()}
    return {**draft, **({"templates": made_by} if made_by else {})}, diff


def _entry_name(product: Mapping[str, Any]) -> str:
    """What the product's entries are called: its handle, or its number where the handle is in another script."""
    handle = str(product["handle"])[:_LONGEST_NAME].strip("-")
    return handle if _PLAIN.fullmatch(handle) else f"product-{str(product['resource_gid']).rpartition('/')[2]}"


def _structured_data(product: Mapping[str, Any], written: Written, context: RecommenderContext) -> dict[str, str]:
    data = {}
    if "faq" in written.pairs:
        data["faq_structured_data"] = json_text(faq_page(written.pairs["faq"]))
    if "how_to" in written.pairs:
        data["how_to_structured_data"] = json_text(how_to_data(written.pairs["how_to"]))
    if "specifications" in written.pairs:
        url = context.url_of(str(product["page_key"]))
        data["product_structured_data"] = json_text(product_data(product, url, written.pairs["specifications"]))
    return data


def _task(facts: Mapping[str, Any], copy: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[FieldChange, ...]]:
    summary = copy["task"]["summary"].format(**facts)
    draft = {"summary": summary, "steps": [step.format(**facts) for step in copy["task"]["steps"]]}
    return draft, (FieldChange(field="task", before="", after=summary, change_type="task"),)


def _evidence(
    product: Mapping[str, Any],
    context: RecommenderContext,
    economics: PageEconomics,
    config: MetaobjectGenConfig,
    value: Mapping[str, float],
) -> tuple[Evidence, ...]:
    end = context.as_of - timedelta(days=1)
    start = end - timedelta(days=WINDOW_DAYS - 1)

    def row(
        name: str, source: str, number: float, unit: str, baseline: float | None = None, note: str = ""
    ) -> Evidence:
        rounded = None if baseline is None else round(baseline, 4)
        return Evidence(
            name=name,
            source=f"marts.{source}",
            value=round(number, 4),
            unit=unit,
            baseline=rounded,
            start=start,
            end=end,
            note=note,
        )

    rows = []
    if product["needs_faq"]:
        rows.append(row("Questions answered", "dim_metaobjects", 0, "entries", note="nor in the description"))
        rows.append(
            row(
                "Price",
                "dim_products",
                product["price"],
                context.currency,
                config.faq_price,
                "baseline: the limit",
            )
        )
    if product["needs_specifications"]:
        rows.append(row("Specifications", "dim_metaobjects", 0, "entries", note="nor in the description"))
        limit = float(config.specification_variants)
        rows.append(row("Versions", "dim_products", product["variants"], "variants", limit, "baseline: the limit"))
    if product["needs_how_to"]:
        steps = len(product["how_to"])
        rows.append(row("Steps in the description", "dim_page_bodies", steps, "steps", note="no how-to entry"))
    performance = "fct_page_performance"
    rows += [
        row("Visits", performance, value["visits"], "sessions", note=economics.basis),
        row("Conversion rate", performance, economics.conversion, "orders per visit"),
        row("Order value", performance, economics.order_value, context.currency, note="shrunk to the shop's"),
    ]
    return tuple(rows)


def _checks(draft: Mapping[str, Any], written: Written) -> tuple[CheckRun, ...]:
    if not written.pairs:
        return ()
    notes = phrases("metaobject_gen")["checks"]
    entries: Sequence[Any] = draft["entries"]
    sizes = [characters(value) for one in entries for value in one["fields"].values()]
    kinds = {
        "faq_structured_data": "FAQPage",
        "how_to_structured_data": "HowTo",
        "product_structured_data": "Product",
    }
    types = " and ".join(kinds[key] for key in draft["structured_data"])
    how_to = "how_to" in written.pairs
    judged = notes["quality"].format(quality=written.quality, tier=written.tier)
    return (
        CheckRun(name="claims are verified", passed=True, note=notes["claims"]),
        CheckRun(
            name="lengths", passed=True, note=notes["entries"].format(count=len(entries), longest=max(sizes))
        ),
        *([CheckRun(name="no near-duplicate", passed=True, note=notes["unique"])] if written.text else []),
        *([CheckRun(name="word for word", passed=True, note=notes["how_to"])] if how_to else []),
        CheckRun(name="structured data", passed=True, note=notes["data"].format(types=types)),
        CheckRun(name="quality", passed=written.tier in ("good", "excellent"), note=judged),
        *habit_checks(draft.get(RECORD, {})),
    )
