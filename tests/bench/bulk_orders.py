"""A bulk operation's result of any size, as Shopify writes it: orders, and their line items with ``__parentId``.

Children need not follow their parent (``groupObjects`` is off since 2026-01), so they are shuffled a little.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

BLOCK = 5_000
_MONEY = '{{"shopMoney":{{"amount":"{}"}}}}'


def write_bulk_orders(path: Path, orders: int, seed: int = 7) -> tuple[int, int]:
    """Write ``orders`` orders with about 2.57 lines each to ``path``; returns (orders, lines)."""
    rng = np.random.default_rng(seed)
    lines_written = 0
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, orders, BLOCK):
            block, lines = _block(rng, start, min(BLOCK, orders - start), lines_written)
            lines_written += lines
            file.write("\n".join(block) + "\n")
    return orders, lines_written


def _block(rng: np.random.Generator, start: int, count: int, first_line: int) -> tuple[list[str], int]:
    moments = np.datetime64("2024-11-01T00:00:00") + (start + np.arange(count)) * np.timedelta64(300, "s")
    created = [f"{moment}Z" for moment in moments]
    customers = rng.integers(1, 90_000, count).tolist()
    counts = np.minimum(rng.geometric(0.386, count), 12)
    refunded = rng.random(count) < 0.05
    records: list[tuple[float, str]] = []
    line = first_line
    places = rng.random(int(counts.sum())) * 3
    quantities = rng.integers(1, 4, int(counts.sum())).tolist()
    cents = rng.integers(499, 45_000, int(counts.sum())).tolist()
    variants = rng.integers(1, 3_000, int(counts.sum())).tolist()
    at = 0
    for n in range(count):
        gid = f"gid://shopify/Order/{5_000_000_000_000 + start + n}"
        total = 0
        for _ in range(int(counts[n])):
            gross, variant = cents[at] * quantities[at], variants[at]
            total += gross
            records.append((n + places[at], _line_item(line, gid, variant, quantities[at], cents[at], gross)))
            at, line = at + 1, line + 1
        records.append((n, _order(gid, start + n, created[n], customers[n], total, bool(refunded[n]))))
    records.sort(key=lambda record: record[0])
    return [text for _, text in records], line - first_line


def _amount(cents: float) -> str:
    return _MONEY.format(f"{cents / 100:.2f}")


def _line_item(number: int, parent: str, variant: int, quantity: int, unit: int, gross: int) -> str:
    discount = gross // 10 if number % 4 == 0 else 0
    allocations = f'{{"allocatedAmountSet":{_amount(discount)}}}' if discount else ""
    return (
        f'{{"id":"gid://shopify/LineItem/{13_000_000_000_000 + number}",'
        f'"title":"AN-{variant % 12} fitting, straight, black anodised {variant}","sku":"HRP-{variant:05d}",'
        f'"quantity":{quantity},"currentQuantity":{quantity},'
        f'"product":{{"id":"gid://shopify/Product/{8_000_000_000_000 + variant // 3}"}},'
        f'"variant":{{"id":"gid://shopify/ProductVariant/{44_000_000_000_000 + variant}"}},'
        f'"originalUnitPriceSet":{_amount(unit)},"discountAllocations":[{allocations}],'
        f'"taxLines":[{{"priceSet":{_amount(gross * 0.0725)}}}],"__parentId":"{parent}"}}'
    )


def _order(gid: str, number: int, created: str, customer: int, total: int, refunded: bool) -> str:
    refund = (
        f'{{"id":"gid://shopify/Refund/{900_000_000_000 + number}","createdAt":"{created}",'
        f'"processedAt":"{created}","totalRefundedSet":{_amount(total)}}}'
        if refunded
        else ""
    )
    payment = f"gid://shopify/OrderTransaction/{7_000_000_000_000 + number}"
    return (
        f'{{"id":"{gid}","name":"#{number + 1000}","customer":{{"id":"gid://shopify/Customer/{customer}"}},'
        f'"createdAt":"{created}","processedAt":"{created}","updatedAt":"{created}","cancelledAt":null,'
        f'"cancelReason":null,"test":false,"displayFinancialStatus":"{"REFUNDED" if refunded else "PAID"}",'
        f'"displayFulfillmentStatus":"FULFILLED","currencyCode":"USD","presentmentCurrencyCode":"USD",'
        f'"taxesIncluded":false,"sourceName":"web","discountCodes":[],'
        f'"totalTaxSet":{_amount(total * 0.0725)},"totalShippingPriceSet":{_amount(995)},'
        f'"totalDiscountsSet":{_amount(0)},"totalPriceSet":{_amount(total + 995)},'
        f'"totalRefundedSet":{_amount(total if refunded else 0)},'
        f'"customerJourneySummary":{{"lastVisit":{{"landingPage":"https://www.example.com/products/'
        f'an-fitting-{number % 300}?utm_source=google&utm_medium=cpc&gclid=abc{number}"}}}},'
        f'"transactions":[{{"id":"{payment}","kind":"SALE","status":"SUCCESS","gateway":"shopify_payments",'
        f'"test":false,"createdAt":"{created}","processedAt":"{created}","amountSet":{_amount(total + 995)},'
        f'"parentTransaction":null}}],"refunds":[{refund}]}}'
    )
