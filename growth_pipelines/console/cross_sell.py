"""``GET /api/cross-sell/{product}``: the products that a product's page shows by executed rules, for sale now.

``products`` go with it (cross-sell), ``related`` may be bought instead (upsell); each with the rule behind it. A
rule counts while it is executed and not rolled back; of several for one product the latest does. Stock is that of
the last build, so an answer may be kept for a while: it carries an ETag that changes with what it says.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.recommended_products import COMPLEMENTARY, MOST_PRODUCTS, RELATED, ProductList
from growth_pipelines.console.callers import ReadsActions
from growth_pipelines.console.documents import problems
from growth_pipelines.console.failures import BadRequest
from growth_pipelines.console.identity import Here
from growth_pipelines.console.observed import rows_of_query
from growth_pipelines.store.tables import Action
from growth_pipelines.warehouse.database import Warehouse

router = APIRouter(prefix="/api")
MAX_AGE_SECONDS = 300
IN_FORCE = ("executed", "measured")
_SUBTYPES = {COMPLEMENTARY: "cross_sell_rule", RELATED: "upsell_rule"}
# As many ids as queries/sold_products.sql asks for: the product and all that it can be shown with.
_IDS = MOST_PRODUCTS + 1
_GID = "gid://shopify/Product/{}"


class ShownProduct(BaseModel):
    """A product for sale, and who chose it: the merchant before, or the rule."""

    product: str
    handle: str
    title: str
    path: str | None
    price_cents: int | None
    currency: str | None
    chosen_by: Literal["merchant", "rule"]


class ShownList(BaseModel):
    """Products of one rule; null and empty where none is in force."""

    rule: str | None
    products: list[ShownProduct]


class CrossSell(ShownList):
    """What goes with the product, and in ``related`` what may be bought instead."""

    product: str
    related: ShownList


@router.get(
    "/cross-sell/{product:path}",
    tags=["cross-sell"],
    operation_id="getCrossSell",
    response_model=CrossSell,
    responses={
        200: {"model": CrossSell, "headers": {"ETag": {"schema": {"type": "string"}}}},
        304: {"description": "What the client has (If-None-Match) is what there is."},
        **problems(401, 403, 404, 422),
    },
)
def cross_sell(request: Request, caller: ReadsActions, console: Here, product: str) -> Response:
    """What goes with a product, and what may be bought instead of it, best first. ``product`` is its handle, its
    number or its gid."""
    warehouse = Warehouse.of(console.settings)
    wanted = _GID.format(product) if re.fullmatch(r"\d+", product) else product
    found = rows_of_query(warehouse, "product_by_name.sql", (wanted, wanted))
    if not found:
        raise BadRequest(f"There is no product {product}.", "Name it by its handle, its number or its gid.", 404)
    gid = str(found[0][0])
    with console.store.read() as session:
        shown = {kept_in: _served(session, warehouse, gid, kept_in) for kept_in in _SUBTYPES}
    body = {"product": gid, **shown[COMPLEMENTARY], "related": shown[RELATED]}
    text = json.dumps(body, ensure_ascii=False)
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    cache = f"private, max-age={MAX_AGE_SECONDS}"
    headers = {"ETag": tag, "Cache-Control": cache, "Vary": "Cookie, Authorization"}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(text, media_type="application/json", headers=headers)


def _served(session: Session, warehouse: Warehouse, gid: str, kept_in: ProductList) -> dict[str, Any]:
    rule = _rule(session, gid, _SUBTYPES[kept_in])
    products = _products(warehouse, gid, rule, kept_in) if rule else []
    return {"rule": rule.ref if rule else None, "products": products}


def _rule(session: Session, gid: str, subtype: str) -> Action | None:
    return session.scalars(
        select(Action)
        .where(
            Action.kind == "guided_selling",
            Action.subtype == subtype,
            Action.resource_gid == gid,
            Action.state.in_(IN_FORCE),
        )
        .order_by(Action.executed_at.desc(), Action.id)
        .limit(1)
    ).first()


def _products(warehouse: Warehouse, gid: str, rule: Action, kept_in: ProductList) -> list[dict[str, Any]]:
    """The rule's products that are for sale, in the order of the page: those that the merchant chose first."""
    by = {
        str(one["product"]): part
        for part in ("kept", kept_in.part)
        for one in rule.draft.get(part, [])
        if one["product"] != gid
    }
    ids = [*by, *[gid] * (_IDS - len(by))]
    known = {row[0]: row for row in rows_of_query(warehouse, "sold_products.sql", ids)}
    return [_shown(known[one], by[one]) for one in by if one in known and known[one][-1]]


def _shown(row: Sequence[Any], part: str) -> dict[str, Any]:
    gid, handle, title, page_key, price_cents, currency, _ = row
    return {
        "product": gid,
        "handle": handle,
        "title": title,
        "path": page_key,
        "price_cents": price_cents,
        "currency": currency,
        "chosen_by": "merchant" if part == "kept" else "rule",
    }
