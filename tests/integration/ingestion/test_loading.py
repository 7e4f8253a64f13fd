"""Landing files loaded in any order leave the same rows: those of the newest state of what still exists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count, permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from growth_pipelines.ingestion.landing import Landed, Landing, Shop
from growth_pipelines.ingestion.loading import Loaded, load
from growth_pipelines.ingestion.state import newer_snapshot, prepared, record_file
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.ingestion.windows import Window
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.database import Warehouse

DAY = datetime(2026, 11, 1, tzinfo=UTC)
# What is landed may be loaded long after, in any order.
LOADED_AT = DAY + timedelta(days=30)
CHILDREN = ("order_lines", "order_transactions", "order_discount_codes", "refunds", "refund_lines")
TWO_DAYS = Window(datetime(2026, 10, 1), datetime(2026, 10, 3))
_shops = count()
quick = hypothesis_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass
class Machine:
    """A warehouse that stays, and shops that come and go: each example has one of its own."""

    connection: WarehouseConnection
    landing: Landing

    def load(self, landed: Landed) -> Loaded:
        """As a run loads a file."""
        stream = STREAMS[landed.stream]
        with self.connection.transaction():
            loaded = Loaded()
            if not (landed.whole and newer_snapshot(self.connection, landed, LOADED_AT)):
                loaded = load(self.connection, landed, stream.folder, stream.parts, LOADED_AT)
            record_file(self.connection, landed, LOADED_AT)
        return loaded

    def rows(self, shop: Shop, table: str, *columns: str) -> set[tuple[Any, ...]]:
        found = self.connection.execute(
            f"select {', '.join(columns)} from raw.{table} where shop_id = ?", (shop.shop_id,)
        ).fetchall()
        assert len(found) == len(set(found)), f"rows of {table} are there twice"
        return set(found)


@dataclass
class Timeline:
    """A shop's files, each fetched an hour after the one before."""

    machine: Machine
    shop: Shop = field(default_factory=lambda: Shop(f"shop-{next(_shops):06}.myshopify.com"))
    files: list[Landed] = field(default_factory=list)

    def land(
        self, stream: str, *records: dict[str, Any], whole: bool = False, window: Window | None = None
    ) -> Landed:
        at = DAY + timedelta(hours=len(self.files))
        with self.machine.landing.write(stream, self.shop, at, window, whole=whole) as file:
            for record in records:
                file.writer.record(record)
        self.files.append(file.result)
        return file.result

    def gone(self, *gids: str) -> Landed:
        events = [
            {"id": f"gid://shopify/BasicEvent/{n}", "subjectId": gid, "subjectType": "X", "action": "destroy"}
            for n, gid in enumerate(gids)
        ]
        return self.land("deletions", *({**event, "createdAt": DAY.isoformat()} for event in events))


def opened(home: Path, url: str = "") -> Iterator[Machine]:
    warehouse = Warehouse("postgres" if url else "duckdb", home, url)
    with prepared(warehouse):
        pass
    with warehouse.writer() as connection:
        yield Machine(connection, Landing(home))


@pytest.fixture(scope="module")
def duckdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    yield from opened(tmp_path_factory.mktemp("loading"))


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    if request.param == "duckdb":
        yield request.getfixturevalue("duckdb")
    else:
        yield from opened(tmp_path, request.getfixturevalue("postgres_url"))


def moment(version: int) -> str:
    return (DAY + timedelta(minutes=version)).isoformat()


def money(amount: int) -> dict[str, Any]:
    return {"shopMoney": {"amount": f"{amount}.0"}}


def order_gid(number: int) -> str:
    return f"gid://shopify/Order/{number}"


def order(number: int, version: int) -> list[dict[str, Any]]:
    """An order and its lines as they were at ``version``: each version has children of its own."""
    gid, mark = order_gid(number), number * 1000 + version
    parent = {
        "id": gid,
        "name": f"#{version}",
        "createdAt": moment(0),
        "updatedAt": moment(version),
        "totalPriceSet": money(version),
        "discountCodes": [f"code {n}" for n in range(version % 3)],
        "transactions": [{"id": f"t{mark}", "kind": "SALE", "createdAt": moment(0), "amountSet": money(version)}],
        "refunds": [{"id": f"r{mark}", "createdAt": moment(version), "totalRefundedSet": money(1)}],
    }
    lines = [
        {"id": f"gid://shopify/LineItem/{number}{n}", "quantity": version, "originalUnitPriceSet": money(1)}
        for n in range(version % 4)
    ]
    refund_line = {"id": f"rl{mark}", "refundId": f"r{mark}", "lineItem": {"id": "x"}, "quantity": 1}
    return [parent, *({**child, "__parentId": gid} for child in (*lines, refund_line))]


def expected_orders(newest: dict[int, int]) -> dict[str, set[tuple[Any, ...]]]:
    """The rows of the given version of each order."""
    marks = {number: number * 1000 + version for number, version in newest.items()}
    return {
        "orders": {(order_gid(n), f"#{v}", v) for n, v in newest.items()},
        "order_lines": {
            (f"gid://shopify/LineItem/{n}{k}", order_gid(n), v) for n, v in newest.items() for k in range(v % 4)
        },
        "order_transactions": {(f"t{marks[n]}", order_gid(n), v) for n, v in newest.items()},
        "order_discount_codes": {
            (order_gid(n), k + 1, f"code {k}") for n, v in newest.items() for k in range(v % 3)
        },
        "refunds": {(f"r{marks[n]}", order_gid(n), 1) for n in newest},
        "refund_lines": {(f"rl{marks[n]}", f"r{marks[n]}", order_gid(n)) for n in newest},
    }


def found_orders(machine: Machine, shop: Shop) -> dict[str, set[tuple[Any, ...]]]:
    columns = {
        "orders": ("order_id", "name", "total_amount"),
        "order_lines": ("order_line_id", "order_id", "quantity"),
        "order_transactions": ("transaction_id", "order_id", "amount"),
        "order_discount_codes": ("order_id", "position", "code"),
        "refunds": ("refund_id", "order_id", "total_amount"),
        "refund_lines": ("refund_line_id", "refund_id", "order_id"),
    }
    return {table: machine.rows(shop, table, *names) for table, names in columns.items()}


# A file of orders by their versions, or the orders that a file of deletions tells of.
order_files = st.lists(
    st.one_of(
        st.dictionaries(st.integers(1, 4), st.integers(1, 9), min_size=1, max_size=4),
        st.sets(st.integers(1, 4), min_size=1, max_size=1),
    ),
    min_size=2,
    max_size=4,
)


def check_orders(machine: Machine, files: list[dict[int, int] | set[int]], place: Any) -> None:
    timeline = Timeline(machine)
    newest: dict[int, int] = {}
    deleted: set[int] = set()
    for given_file in files:
        if isinstance(given_file, set):
            timeline.gone(*(order_gid(number) for number in given_file))
            deleted |= given_file
        else:
            timeline.land("orders", *(line for item in given_file.items() for line in order(*item)))
            for number, version in given_file.items():
                newest[number] = max(version, newest.get(number, 0))
    for landed in place(timeline.files):
        machine.load(landed)
    left = {number: version for number, version in newest.items() if number not in deleted}
    assert found_orders(machine, timeline.shop) == expected_orders(left)


@quick
@example([{1: 5}, {1: 3}, {1}, {1: 7}], None)
@given(files=order_files, data=st.data())
def test_the_newest_version_of_an_order_wins_with_its_children_and_a_deleted_one_never_comes_back(
    duckdb: Machine, files: list[dict[int, int] | set[int]], data: Any
) -> None:
    check_orders(duckdb, files, lambda landed: data.draw(st.permutations(landed)) if data else landed[::-1])


def test_every_order_of_the_same_files_ends_in_the_same_rows(machine: Machine) -> None:
    """The compact form of the property, on both warehouses: six ways, and one file twice."""
    files: list[dict[int, int] | set[int]] = [{1: 5, 2: 2, 3: 3}, {1: 3, 2: 7, 3: 9}, {3}]
    for way in permutations(range(3)):
        check_orders(machine, files, lambda landed, way=way: [landed[n] for n in (*way, way[0])])


def product(number: int, version: int) -> list[dict[str, Any]]:
    gid = f"gid://shopify/Product/{number}"
    variants = [f"gid://shopify/ProductVariant/{number}{n}" for n in range(version % 3)]
    return [
        {"id": gid, "title": f"v{version}", "updatedAt": moment(version)},
        *({"id": variant, "__parentId": gid, "sku": f"v{version}"} for variant in variants),
    ]


@dataclass
class Catalogue:
    """A shop that changes, and what a machine that read it in time would have: the model of the property."""

    timeline: Timeline
    there: dict[int, int] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)
    known: dict[int, int] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    version: int = 0

    def change(self, number: int) -> None:
        if number not in self.told and (number in self.there or number not in self.known):
            self.version += 1
            self.there[number] = self.version
            self.changed.add(number)

    def delete(self, number: int) -> None:
        """An id is never given to another product, so it stays known."""
        if self.there.pop(number, None):
            self.known.setdefault(number, 0)

    def read(self, kind: str) -> None:
        if kind == "changes":
            numbers = self.changed & set(self.there)
            self.timeline.land("products", *(line for n in numbers for line in product(n, self.there[n])))
            self.known |= {number: self.there[number] for number in numbers}
            self.changed.clear()
        elif kind == "whole":
            lines = [line for item in self.there.items() for line in product(*item)]
            self.timeline.land("products", *lines, whole=True)
            self.known = dict.fromkeys(self.known, 0) | self.there
        else:
            gone = [number for number in self.known if number not in self.there]
            self.timeline.gone(*(f"gid://shopify/Product/{number}" for number in gone))
            self.told |= set(gone)
            self.known |= dict.fromkeys(gone, 0)


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["change", "delete"]), st.integers(1, 4)),
        st.tuples(st.just("read"), st.sampled_from(["changes", "changes", "whole", "whole", "gone"])),
    ),
    min_size=6,
    max_size=16,
)
DELETED_BETWEEN_TWO_READS: list[tuple[str, Any]] = [
    *(("change", 1), ("change", 2), ("read", "changes")),
    *(("delete", 1), ("change", 3), ("read", "whole")),
    *(("change", 4), ("change", 2), ("read", "changes")),
]


def check_products(machine: Machine, done: list[tuple[str, Any]], place: Any) -> None:
    timeline = Timeline(machine)
    catalogue = Catalogue(timeline)
    for step, value in done:
        getattr(catalogue, step)(value)
    for landed in place(timeline.files):
        machine.load(landed)
    left = {number: version for number, version in catalogue.known.items() if version}
    assert machine.rows(timeline.shop, "products", "product_id", "title") == {
        (f"gid://shopify/Product/{number}", f"v{version}") for number, version in left.items()
    }
    assert machine.rows(timeline.shop, "product_variants", "variant_id", "product_id", "sku") == {
        (f"gid://shopify/ProductVariant/{number}{n}", f"gid://shopify/Product/{number}", f"v{version}")
        for number, version in left.items()
        for n in range(version % 3)
    }


@quick
@example(DELETED_BETWEEN_TWO_READS, None)
@given(done=steps, data=st.data())
def test_a_whole_snapshot_removes_what_was_read_before_it_and_nothing_that_was_read_later(
    duckdb: Machine, done: list[tuple[str, Any]], data: Any
) -> None:
    check_products(duckdb, done, lambda landed: data.draw(st.permutations(landed)) if data else landed)


def test_a_snapshot_between_two_reads_counts_in_any_order(machine: Machine) -> None:
    for way in permutations(range(3)):
        check_products(machine, DELETED_BETWEEN_TWO_READS, lambda landed, way=way: [landed[n] for n in way])


def search_day(day: date, fetched: int) -> dict[str, Any]:
    return {
        "keys": [day.isoformat(), f"https://a.example/{fetched}"],
        "clicks": fetched,
        "impressions": 1,
        "position": 1,
    }


@quick
@example([(0, 5), (3, 4), (4, 1)], None)
@given(spans=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6)), min_size=2, max_size=4), data=st.data())
def test_each_day_is_as_it_was_fetched_last_however_windows_overlap(
    duckdb: Machine, spans: list[tuple[int, int]], data: Any
) -> None:
    timeline = Timeline(duckdb)
    newest: dict[date, int] = {}
    for number, (first, length) in enumerate(spans):
        start = datetime(2026, 10, 1) + timedelta(days=first)
        window = Window(start, start + timedelta(days=length))
        # Some days have no rows at all, which is news as well.
        days = [day for day in window.days if (day.day + number) % 3]
        timeline.land("search_page", *(search_day(day, number) for day in days), window=window)
        newest |= {day: number if day in days else -1 for day in window.days}
    for landed in data.draw(st.permutations(timeline.files)) if data else timeline.files[::-1]:
        duckdb.load(landed)
    assert duckdb.rows(timeline.shop, "search_page_daily", "date", "page", "clicks") == {
        (day, f"https://a.example/{number}", number) for day, number in newest.items() if number >= 0
    }


def test_a_record_that_is_repeated_in_a_file_counts_as_last_seen_and_is_counted(machine: Machine) -> None:
    """With what is nested in it: an order that changes while its page is read comes twice, a line is no longer."""
    timeline = Timeline(machine)
    landed = timeline.land("orders", *order(2, 1), *order(1, 3), *order(1, 7))
    loaded = machine.load(landed)
    assert loaded.repeated == {"orders": 1 + 3}, "the order and the three lines that both versions have"
    found, expected = found_orders(machine, timeline.shop), expected_orders({1: 7, 2: 1})
    found["refund_lines"] -= {("rl1003", "r1003", order_gid(1))}  # A record of its own, seen once.
    assert found == expected


def test_a_product_in_two_collections_is_no_repeated_record(machine: Machine) -> None:
    timeline = Timeline(machine)
    collections = [{"id": f"gid://shopify/Collection/{n}", "title": "c"} for n in (1, 2)]
    members = [
        {"id": "gid://shopify/Product/1", "__parentId": collection["id"], "__position": 1}
        for collection in collections
    ]
    loaded = machine.load(timeline.land("collections", *collections, *members, whole=True))
    assert loaded.repeated == {}
    assert loaded.rows == {"collections": 2, "collection_products": 2}
    again = machine.load(timeline.land("collections", *collections, *members, members[0], whole=True))
    assert again.repeated == {"collections": 1}
    assert again.rows == {"collections": 2, "collection_products": 2}


def fill(timeline: Timeline, version: int) -> None:
    timeline.machine.load(timeline.land("orders", *order(1, version), *order(2, version)))
    timeline.machine.load(timeline.land("products", *product(1, version), *product(2, version), whole=True))
    days = [search_day(day, version) for day in TWO_DAYS.days]
    timeline.machine.load(timeline.land("search_page", *days, window=TWO_DAYS))


def test_shops_in_one_warehouse_do_not_touch_each_other(machine: Machine) -> None:
    """The same ids in all: versions, snapshots, deletions and days of one leave the others' rows."""
    first, acting, last = (Timeline(machine) for _ in range(3))
    for timeline, version in ((first, 7), (acting, 8), (last, 7)):
        fill(timeline, version)
    tables = ("orders", *CHILDREN, "products", "product_variants", "search_page_daily")
    others = (first.shop, last.shop)
    before = {(shop, table): machine.rows(shop, table, "*") for shop in others for table in tables}
    assert all(before.values())
    machine.load(acting.gone(order_gid(1), "gid://shopify/Product/2"))
    machine.load(acting.land("orders", *order(2, 9)))
    machine.load(acting.land("products", whole=True))
    machine.load(acting.land("search_page", window=TWO_DAYS))
    assert {(shop, table): machine.rows(shop, table, "*") for shop in others for table in tables} == before
    assert machine.rows(acting.shop, "orders", "name") == {("#9",)}
    assert machine.rows(acting.shop, "products", "product_id") == set()
    assert machine.rows(acting.shop, "search_page_daily", "date") == set()
    # What one shop has deleted, or has in a newer version, does not bind another.
    assert machine.load(first.land("orders", *order(1, 8), *order(2, 8))).outdated == {}
    assert machine.rows(first.shop, "orders", "order_id", "name") == {(order_gid(n), "#8") for n in (1, 2)}
