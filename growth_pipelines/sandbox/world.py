"""The shop as a whole: its records, its clock, what was written to it, and what that does to later demand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from threading import RLock
from typing import Any

import numpy as np

from growth_pipelines.sandbox import content, deletion, deliveries, hidden, merchandise
from growth_pipelines.sandbox import plants as planting
from growth_pipelines.sandbox.catalogue import Life, build_catalogue
from growth_pipelines.sandbox.checkouts import Checkouts
from growth_pipelines.sandbox.demand import Demand
from growth_pipelines.sandbox.discounts import build_discounts
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.plants import Plants
from growth_pipelines.sandbox.records import Collection, Order, Picture, Product, Resource, transactions_of
from growth_pipelines.sandbox.reordering import Jobs
from growth_pipelines.sandbox.sales import Sales, local_midnight
from growth_pipelines.sandbox.shopify.formats import timestamp
from growth_pipelines.sandbox.shopify.metafields import SEO_KEYS
from growth_pipelines.sandbox.stock import InventoryItem, Location
from growth_pipelines.sandbox.traffic import ANYWHERE, OWN_PAGE, Traffic
from growth_pipelines.sandbox.vitals import SHORT, FieldData

TOUCH_STREAM = 10
HARM = 0.75  # what an empty, too long or off-topic title costs


class Shop:
    """One sandbox shop. Everything is read and changed under ``lock``."""

    typename = "Shop"

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lock = RLock()
        self.today = options.today
        first_day = options.today - timedelta(days=round(options.months * 30.44))
        self.first_day = first_day
        life = Life(local_midnight(first_day), local_midnight(options.today))
        self.catalogue = build_catalogue(options, life)
        self.demand = Demand(options, self.catalogue)
        self.plants: Plants = planting.choose(
            options, self.demand.pages, self._weights(), self.demand.expected_clicks(), self.catalogue
        )
        self.demand.plant(self.plants)
        self.traffic = Traffic(options, self.demand, self.catalogue)
        self.field_data = FieldData(options, self.demand, self.traffic)
        for one in self.plants.regressions:
            form_factor = "desktop" if one.form_factor == "desktop" else "phone"
            one.before = self.field_data.usual(one.page, form_factor, SHORT[one.metric])
        self._landing_pages = np.cumsum(self.traffic.expected / self.traffic.expected.sum())
        self.sales = Sales(
            options, self.catalogue, first_day, self.plants.affinities, self._landing, self.plants.slow_movers
        )
        self.checkouts = Checkouts(options, self.catalogue, self.sales, first_day)
        self._add_content(life)
        self.writes: list[dict[str, Any]] = []
        self.jobs = Jobs(self._reorder)
        self._controls = 0
        self._originals: dict[str, dict[str, Any]] = {}
        self._page_index = {page.gid: i for i, page in enumerate(self.demand.pages) if page is not None}
        self._product_index = {product.gid: i for i, product in enumerate(self.catalogue.made)}
        self._selections: dict[Any, list[Any]] = {}
        self._records_by_gid: dict[str, Any] = {}
        self._settle_goods()

    def _add_content(self, life: Life) -> None:
        words = content.WORDS
        self.discounts = build_discounts(words["discounts"], life)
        self.redirects = content.build_redirects(self.options, self.catalogue, life)
        self.definitions = content.build_metaobjects(life, self.catalogue.products, self._bare())
        self.metafield_definitions: dict[tuple[str, str, str], str] = {}
        self.locations = [
            Location(71_000_000_000 + index * 311, name, life.opened)
            for index, name in enumerate(words["locations"])
        ]
        self.events = deletion.Events(self.options, life)

    def _bare(self) -> dict[str, set[str]]:
        """The products of which the merchant says nothing, by type of metaobject."""
        made = self.catalogue.made
        return {name: {made[index].gid for index in bare} for name, bare in self.plants.bare_products.items()}

    def _weights(self) -> np.ndarray:
        """Non-brand impressions of each page in 28 days."""
        demand = self.demand
        return np.bincount(demand.page_of, demand.rate * ~demand.brand * demand.visible, len(demand.pages)) * 28

    def _landing(self, order: Order, rng: np.random.Generator) -> str | None:
        """Where an order's visitor came in: half on the first product's own page, else anywhere by traffic."""
        draw = rng.random(2)
        unknown = 1 - OWN_PAGE - ANYWHERE
        if draw[0] < unknown:
            return None
        variant = order.lines[0].variant
        if draw[0] < unknown + OWN_PAGE and variant is not None:
            return variant.product.path
        index = int(np.searchsorted(self._landing_pages, draw[1]))
        return self.demand.paths[min(index, len(self.demand.paths) - 1)]

    def _settle_goods(self) -> None:
        """What lies in stock, and in which order collections show their products."""
        options, catalogue = self.options, self.catalogue
        conversion = merchandise.true_conversion(catalogue, self.sales, self.traffic, options.today)
        self.misplaced = merchandise.misplaced_collections(options, catalogue, self.sales, conversion)
        merchandise.arrange(options, catalogue, conversion, self.misplaced)
        self.hidden = hidden.hidden_sellers(
            options, catalogue, self.sales, conversion, self.plants, self.misplaced
        )
        hidden.hide(self.hidden)
        merchandise.fill_shelves(options, catalogue, self.sales, self.plants)
        self.due = deliveries.late_deliveries(options, self.plants)
        deliveries.empty_shelves(self)

    def now(self) -> datetime:
        """The shop's present: real time while its day is the real one, else midnight plus a second a change."""
        midnight = local_midnight(self.today)
        real = datetime.now(UTC).replace(microsecond=0)
        if midnight <= real < midnight + timedelta(days=1):
            return real
        return midnight + timedelta(seconds=len(self.writes) + self._controls)

    @property
    def search_complete_until(self) -> date:
        """Search Console's last final day."""
        return self.today - timedelta(days=3)

    def days(self, since: date, until: date) -> list[date]:
        """The days of a range that are in the shop's life and complete, both ends included."""
        since, until = max(since, self.first_day), min(until, self.today - timedelta(days=1))
        return [since + timedelta(days=i) for i in range((until - since).days + 1)]

    def record(self, gid: str) -> Any:
        """Any record by its gid, or None."""
        if gid in self.catalogue.by_gid:
            return self.catalogue.by_gid[gid]
        if not self._records_by_gid:
            self._index_records()
        return self._records_by_gid.get(gid)

    def _index_records(self) -> None:
        found = self._records_by_gid
        for order in self.sales.orders:
            found[order.gid] = order
            for parts in (order.lines, order.refunds, transactions_of(order)):
                found.update({part.gid: part for part in parts})
        items = [InventoryItem(variant) for variant in self.catalogue.variants]
        levels = [level for item in items for level in item.levels(self.locations)]
        entries = [entry for definition in self.definitions for entry in definition.entries]
        more: list[list[Any]] = [
            *(self.sales.customers, self.checkouts.checkouts, self.discounts, self.redirects),
            *(self.definitions, entries, self.locations, items, levels, self.events.kept(self.now())),
        ]
        for records in more:
            found.update({record.gid: record for record in records})

    def selected(self, identity: Any, select: Callable[[], list[Any]]) -> list[Any]:
        """A filtered, sorted list, kept until something changes: pages of one window come from one list."""
        if identity not in self._selections:
            if len(self._selections) > 40:
                self._selections.clear()
            self._selections[identity] = select()
        return self._selections[identity]

    def _changed(self) -> None:
        self._selections.clear()
        self._records_by_gid.clear()

    def write(self, operation: str, record: Any, changes: dict[str, Any]) -> None:
        """Change fields of a record (``seo.title``, ``seo.description``, ``body``, ``image.alt``,
        ``metafield.ns.key``)."""
        for field, value in changes.items():
            before = self.value(record, field)
            self._originals.setdefault(record.gid, {}).setdefault(field, before)
            self._set(record, field, value)
            self.writes.append(
                {
                    "at": timestamp(self.now()),
                    "operation": operation,
                    "gid": record.gid,
                    "field": field,
                    "before": before,
                    "after": value,
                }
            )
        record.updated_at = max(record.updated_at, self.now())
        if isinstance(record, Picture):
            owner = next(p for p in self.catalogue.products if record in p.pictures)
            owner.updated_at = max(owner.updated_at, record.updated_at)
        self._changed()
        if record.gid in self._page_index and any(field.startswith("seo.") for field in changes):
            self._judge(record)

    def define(self, definition: content.MetaobjectDefinition) -> None:
        """Take a new type of metaobject in."""
        self.definitions.append(definition)
        self._log("metaobjectDefinitionCreate", definition.gid, "definition", None, definition.type)

    def undefine(self, definition: content.MetaobjectDefinition) -> None:
        """Remove a type with its entries and the definitions of metafields that refer to it."""
        self.definitions.remove(definition)
        kept = {k: of for k, of in self.metafield_definitions.items() if of != definition.gid}
        self.metafield_definitions = kept
        self._log("metaobjectDefinitionDelete", definition.gid, "definition", definition.type, None)

    def define_metafield(self, identity: tuple[str, str, str]) -> None:
        """Enable a standard definition of a metafield."""
        self.metafield_definitions[identity] = ""
        self._log("standardMetafieldDefinitionEnable", identity[2], "definition", None, ".".join(identity[1:]))

    def undefine_metafield(self, identity: tuple[str, str, str]) -> None:
        """Take a definition of a metafield back."""
        del self.metafield_definitions[identity]
        self._log("metafieldDefinitionDelete", identity[2], "definition", ".".join(identity[1:]), None)

    def put_entry(
        self, definition: content.MetaobjectDefinition, handle: str, fields: dict[str, str]
    ) -> content.Metaobject:
        """Make the entry of this handle, or change the named fields of the one that is there."""
        keys = [row["key"] for row in definition.fields]
        entry = next((one for one in definition.entries if one.handle == handle), None)
        before = None if entry is None else list(entry.values)
        if entry is None:
            self._controls += 1
            number = 92_000_000_000 + len(self.writes) * 1_000 + self._controls
            empty: list[str | None] = [None] * len(keys)
            entry = content.Metaobject(number, definition, empty, self.now(), self.now(), handle)
            definition.entries.append(entry)
        for key, value in fields.items():
            entry.values[keys.index(key)] = value
        entry.updated_at = max(entry.updated_at, self.now())
        if before != entry.values:
            self._log("metaobjectUpsert", entry.gid, handle, before, list(entry.values))
        return entry

    def drop_entry(self, entry: content.Metaobject) -> None:
        """Delete an entry."""
        entry.definition.entries.remove(entry)
        self._log("metaobjectDelete", entry.gid, entry.handle, list(entry.values), None)

    def _reorder(self, collection: Collection, order: list[Product]) -> None:
        """A job has moved products of a collection."""
        before = [product.handle for product in collection.products]
        collection.products = order
        collection.updated_at = max(collection.updated_at, self.now())
        after = [product.handle for product in order]
        self._log("collectionReorderProducts", collection.gid, "products", before, after)

    def _log(self, operation: str, gid: str, field: str, before: Any, after: Any) -> None:
        self.writes.append(
            {
                "at": timestamp(self.now()),
                "operation": operation,
                "gid": gid,
                "field": field,
                "before": before,
                "after": after,
            }
        )
        self._changed()

    @staticmethod
    def value(record: Any, field: str) -> Any:
        """The present value of a field named as in :meth:`write`."""
        if field.startswith("seo."):
            return getattr(record.seo, field[4:])
        if field.startswith("metafield."):
            _, namespace, key = field.split(".", 2)
            return record.metafields.get((namespace, key))
        return record.alt if field == "image.alt" else getattr(record, field)

    @staticmethod
    def _set(record: Any, field: str, value: Any) -> None:
        if field.startswith("seo."):
            setattr(record.seo, field[4:], value or None)
        elif field.startswith("metafield."):
            _, namespace, key = field.split(".", 2)
            if value is None:
                record.metafields.pop((namespace, key), None)
            else:
                record.metafields[(namespace, key)] = value
        elif field == "image.alt":
            record.alt = value or ""
        else:
            setattr(record, field, value)

    def _judge(self, record: Resource) -> None:
        """Set the multiplier that the page has from the day after a write on, from what is written now."""
        page = self._page_index[record.gid]
        tomorrow = self.today + timedelta(days=1)
        snippet = next((one for one in self.plants.snippets if one.page == page), None)
        usual = float(self.demand.planned(tomorrow)[page])
        originals = self._originals[record.gid]
        # Links and images below the snippet are not what is judged here.
        snippets = {field: before for field, before in originals.items() if field.startswith("seo.")}
        same = all(self.value(record, field) == before for field, before in snippets.items())
        if same:
            multiplier = usual
        elif self._harmful(record):
            multiplier = usual * HARM
        else:
            multiplier = snippet.multiplier_if_fixed if snippet else usual
        self.demand.effects.set(page, tomorrow, multiplier)

    @staticmethod
    def _harmful(record: Resource) -> bool:
        """A title nobody would click: far too long, or without one word of what the page is about."""
        title = record.seo.title
        if title is None:
            return False
        about = {word for word in record.title.lower().replace(",", " ").split() if len(word) > 2}
        return len(title) > 90 or not any(word in title.lower() for word in about)

    def edit(self, gid: str, field: str, value: Any) -> None:
        """A person changes the shop by hand: a search field, an alt text, a title; ``vitals`` repairs a page."""
        record = self.record(gid)
        if record is None:
            raise KeyError(gid)
        if field == "vitals":
            page = self._page_index[gid]
            for regression in self.plants.regressions:
                if regression.page == page:
                    regression.fixed_on = self.today + timedelta(days=1)
            return
        if field in {f"{namespace}.{key}" for namespace, key in SEO_KEYS}:
            field = f"seo.{SEO_KEYS[tuple(field.split('.'))]}"  # type: ignore[index]
        if field not in {"seo.title", "seo.description", "image.alt", "title", "body"} and not field.startswith(
            "metafield."
        ):
            raise ValueError(f"field {field} cannot be edited here")
        self.write("edit", record, {field: value})

    def delete(self, gid: str) -> list[str]:
        """Delete a record now; the gids that are gone with it. ValueError when that cannot be."""
        record = self.record(gid)
        if record is None:
            raise ValueError(f"there is no {gid}")
        at = self._moment()
        gone = deletion.remove(self, record, at)
        for one in gone:
            self.events.destroyed(one, at)
        self._changed()
        return [one.gid for one in gone]

    def touch(self, orders: int) -> list[str]:
        """Refund so many orders now, wholly or in part; their gids."""
        rng = np.random.default_rng([self.options.seed, TOUCH_STREAM, self._controls])
        touched = self.sales.take_back(orders, self._moment(), rng)
        self._changed()
        return [order.gid for order in touched]

    def _moment(self) -> datetime:
        """Now, for a change that is not a write: a second later than the last one when the clock stands still."""
        self._controls += 1
        return self.now()

    def advance(self, days: int) -> None:
        """Move today on: orders, refunds, search and sessions of the days between come about."""
        for _ in range(days):
            day = self.today
            uplift = 1 + 0.6 * (self.demand.relative_clicks(day) - 1)
            before = len(self.sales.orders)
            self.sales.advance_to(day, uplift)
            self.today = day + timedelta(days=1)
            self._sell(self.sales.orders[before:])
            deliveries.deliver(self)
            self.checkouts.make_day(day, len(self.sales.orders) - before)
        self._changed()

    def _sell(self, orders: list[Order]) -> None:
        """Take what was sold from stock; what runs low is delivered again, except planted stock-outs."""
        short = {self.catalogue.made[i].gid for i in deliveries.short(self)}
        for order in orders:
            for line in order.lines:
                if line.variant is None or order.test:
                    continue
                variant, product = line.variant, line.variant.product
                variant.on_hand = max(0, variant.on_hand - line.quantity)
                if product.gid not in short:
                    index, variants = self._product_index[product.gid], len(product.variants)
                    variant.on_hand += merchandise.delivery(
                        self.sales, index, variants, variant.on_hand, self.today
                    )
                # As in Shopify, a movement of stock is a change of the product too.
                for moved in (variant, product):
                    moved.updated_at = max(moved.updated_at, order.created_at)

    def written_resources(self) -> dict[str, dict[str, Any]]:
        """The present values of everything that was written to, by gid."""
        found: dict[str, dict[str, Any]] = {}
        for gid in self._originals:
            record = self.record(gid)
            if record is None:  # deleted since
                continue
            if isinstance(record, Picture):
                found[gid] = {"alt": record.alt}
            else:
                found[gid] = {
                    "title": record.title,
                    "seo_title": record.seo.title,
                    "seo_description": record.seo.description,
                }
        return found
