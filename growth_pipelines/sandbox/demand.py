"""Search demand: page × query × day impressions, positions and clicks, made when a day is asked for.

Each day has a random stream of its own (seed, day), so any day can be made at any time and comes out the same.
Clicks follow the shop's own CTR curve at the day's position, times the page's small factor, times what is planted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from growth_pipelines.sandbox.catalogue import WORDS, Catalogue
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.plants import Plants, Topic
from growth_pipelines.sandbox.records import Product, Resource
from growth_pipelines.sandbox.sales import season

STREAM, TOPIC_STREAM, QUESTION_STREAM = 4, 14, 16
PRIOR = (0.316, 0.156, 0.101, 0.074, 0.059, 0.049, 0.041, 0.035, 0.031, 0.027)
BEYOND = 0.02
BRAND_CTR = 0.46
IMPRESSIONS_A_PAGE = 3_400  # in 28 days, mean over pages
VISIBLE_FROM = 240.0  # impressions in 28 days from which a query is not anonymised
NEW_DEMAND = 1.3  # of a page whose snippet fails since new people see it
WEEKDAY = np.array([1.04, 1.03, 1.02, 1.0, 0.97, 0.95, 0.99])


@dataclass(frozen=True)
class SearchDay:
    """One day's rows, one a query that was shown: aligned arrays. ``query`` and ``page`` are indices.

    The types are small because all days of two years may be kept.
    """

    page: np.ndarray
    query: np.ndarray
    impressions: np.ndarray
    clicks: np.ndarray
    position: np.ndarray


class Effects:
    """How a page's snippet multiplier changes with the writes made to it: (from day, multiplier), in order."""

    def __init__(self) -> None:
        self._changes: dict[int, list[tuple[date, float]]] = {}
        self.version = 0

    def set(self, page: int, since: date, multiplier: float) -> None:
        changes = [change for change in self._changes.get(page, []) if change[0] < since]
        self._changes[page] = [*changes, (since, multiplier)]
        self.version += 1

    def on(self, day: date) -> dict[int, float]:
        """The multipliers in force on a day, for pages that were written to."""
        found = {}
        for page, changes in self._changes.items():
            for since, multiplier in changes:
                if since <= day:
                    found[page] = multiplier
        return found


class Demand:
    """All landing pages with their queries. Page 0 is the home page."""

    def __init__(self, options: Options, catalogue: Catalogue) -> None:
        self._options = options
        self._rng = np.random.default_rng([options.seed, STREAM])
        self.pages: list[Resource | None] = [None, *catalogue.landing_resources]
        self.paths = ["/", *(page.path for page in self.pages if page is not None)]
        self.weights = self._weigh()
        self.texts: list[str] = []
        self._make_queries()
        noise = self._rng.normal(0, 0.05, len(self.pages))
        self.page_factor = np.exp(np.clip(noise, -0.1, 0.1))
        self._curve = self._own_curve()
        self.plants = Plants()
        self.effects = Effects()

    def _weigh(self) -> np.ndarray:
        """Impressions in 28 days for each page: Zipf over products by popularity, other pages mixed in."""
        count = len(self.pages)
        zipf = np.arange(1, count + 1) ** -0.8
        keys = []
        for page in self.pages:
            rank = page.popularity if isinstance(page, Product) else float(self._rng.uniform(0, 1) ** 6)
            keys.append(2.0 if page is None else rank * float(self._rng.lognormal(0, 0.25)))
        weights = np.empty(count)
        weights[np.argsort(-np.array(keys))] = zipf
        return weights / weights.sum() * IMPRESSIONS_A_PAGE * count

    def _make_queries(self) -> None:
        page_of, rate, position, brand = [], [], [], []
        for index, page in enumerate(self.pages):
            texts = self._texts(page)
            shares = np.arange(1, len(texts) + 1) ** -1.1
            shares = shares / shares.sum() * self.weights[index] * (0.25 if page is None else 1.0)
            base = float(self._rng.uniform(2.2, 4.5) if page is None else 1.8 + self._rng.gamma(2.2, 2.0))
            base = min(base, 14.0)
            for text, share in zip(texts, shares, strict=True):
                self.texts.append(text)
                page_of.append(index)
                rate.append(share / 28)
                position.append(max(1.0, base + float(self._rng.normal(0, 0.6))))
                brand.append(False)
            for text, share in self._brand_texts(index, page):
                self.texts.append(text)
                page_of.append(index)
                rate.append(share / 28)
                position.append(float(self._rng.uniform(1.0, 1.3)))
                brand.append(True)
        self.page_of = np.array(page_of)
        self.rate = np.array(rate)
        self.position = np.array(position)
        self.brand = np.array(brand)
        self.visible = (self.rate * 28 >= VISIBLE_FROM) & ~((self._rng.random(len(rate)) < 0.12) & ~self.brand)

    def _texts(self, page: Resource | None) -> list[str]:
        """12 to 25 queries of a page, most wanted first."""
        if page is None:
            bases = list(WORDS["home_queries"])
        elif isinstance(page, Product):
            family = next(f for f in WORDS["families"] if f["type"] == page.product_type)
            bases = [text.format(**page.words).lower() for text in family["queries"]]
        else:
            bases = self._content_texts(page)
        wanted = int(self._rng.integers(12, 26))
        texts = list(dict.fromkeys(bases))
        modifiers = WORDS["query_modifiers"]
        for step in range(200):
            if len(texts) >= wanted:
                break
            text = modifiers[step % len(modifiers)].format(q=bases[step % len(bases)])
            if text not in texts:
                texts.append(text)
        return texts[:wanted]

    @staticmethod
    def _content_texts(page: Resource) -> list[str]:
        for row in WORDS["collections"]:
            if row[0] == page.title:
                return list(row[2])
        for title, queries in [*WORDS["pages"], *WORDS["articles"]]:
            if title == page.title:
                return [query for query in queries if "hot rod parts" not in query] or [
                    f"{title.lower()} car parts"
                ]
        name = page.title.lower()
        return [name, f"performance {name}", f"{name} for hot rods", f"aluminium {name}", f"{name} usa"]

    def _brand_texts(self, index: int, page: Resource | None) -> list[tuple[str, float]]:
        """Brand queries: nearly all lead to the home page, some to well-known pages."""
        topics = [text for text in WORDS["brand_queries"] if "{topic}" not in text]
        if page is None:
            shares = np.arange(1, len(topics) + 1) ** -1.2
            return list(zip(topics, shares / shares.sum() * self.weights[0] * 0.2, strict=True))
        if self._rng.random() < 0.25:
            topic = page.title.split(",")[0].lower()
            return [(f"hot rod parts {topic}", self.weights[index] * 0.03)]
        return []

    def expected_clicks(self, brand: bool = True) -> np.ndarray:
        """Expected search clicks of each page in 28 days, by the curve alone, with brand queries or without."""
        ctr = np.where(self.brand, BRAND_CTR * 0.85 * brand, self.expected_ctr(self.position))
        return np.bincount(self.page_of, self.rate * ctr, len(self.pages)) * 28

    def _own_curve(self) -> np.ndarray:
        """The shop's CTR by position 1, 2, …, near the usual one and monotone."""
        factors = np.exp(self._rng.normal(0, 0.02, len(PRIOR)))
        return np.minimum.accumulate(np.array(PRIOR) * factors)

    def expected_ctr(self, position: np.ndarray) -> np.ndarray:
        """The shop's curve at fractional positions; it levels off on the second page of results."""
        places = [*range(1, len(self._curve) + 1), 12, 14]
        return np.interp(position, places, [*self._curve, 0.0225, BEYOND])

    def plant(self, plants: Plants) -> None:
        """Take the truths in force; brand-heavy decoys get many brand queries that nobody clicks (site links)."""
        self.plants = plants
        self._page_plants = {decoy.page: decoy for decoy in plants.decoys}
        for decoy in plants.decoys:
            if decoy.kind == "brand":
                page = self.pages[decoy.page]
                assert page is not None
                topic = page.title.split(",")[0].lower()
                self.texts.append(f"hotrodparts {topic}")
                self.page_of = np.append(self.page_of, decoy.page)
                self.rate = np.append(self.rate, self.weights[decoy.page] * decoy.size / 28)
                self.position = np.append(self.position, 1.2)
                self.brand = np.append(self.brand, True)
                self.visible = np.append(self.visible, True)
        self._usual = len(self.rate)
        self._add(plants.topics)
        self._with_topics = len(self.rate)
        self._add(plants.questions)
        self.brand_factor = np.ones(len(self.rate))
        for decoy in plants.decoys:
            if decoy.kind == "brand":
                self.brand_factor[(self.page_of == decoy.page) & self.brand] = 0.06

    def _add(self, searched: list[Topic]) -> None:
        """Queries that no page serves."""
        for unserved in searched:
            for text, impressions, position in unserved.queries:
                self.texts.append(text)
                self.page_of = np.append(self.page_of, unserved.page)
                self.rate = np.append(self.rate, impressions / 28)
                self.position = np.append(self.position, position)
                self.brand = np.append(self.brand, False)
                self.visible = np.append(self.visible, True)

    def planned(self, day: date) -> np.ndarray:
        """What each page would win on a day if nothing had been written, relative to the CTR of its position."""
        found = np.array(self.page_factor)
        for snippet in self.plants.snippets:
            if snippet.since is None or day >= snippet.since:
                found[snippet.page] = snippet.multiplier
        for decoy in self.plants.decoys:
            if decoy.kind in ("thin", "serp_feature"):
                found[decoy.page] = decoy.size
        return found

    def multipliers(self, day: date) -> np.ndarray:
        """What each page wins on a day, the effects of writes included."""
        found = self.planned(day)
        for page, multiplier in self.effects.on(day).items():
            found[page] = multiplier
        return found

    def _levels(self, day: date) -> tuple[np.ndarray, np.ndarray]:
        """Per page: demand factor and position shift of a day."""
        age = (self._options.today - day).days / 365.25
        level = season(day) * WEEKDAY[day.weekday()] * (1 / (1 + 0.25 * max(age, 0.0)))
        factor = np.full(len(self.pages), level / season(self._options.today))
        shift = np.zeros(len(self.pages))
        for decoy in self.plants.decoys:
            if decoy.since and day >= decoy.since:
                if decoy.kind == "rank_loss":
                    shift[decoy.page] = decoy.size
                else:
                    factor[decoy.page] *= decoy.size
        for snippet in self.plants.snippets:
            if snippet.since and day >= snippet.since:
                factor[snippet.page] *= NEW_DEMAND
        return factor, shift

    @lru_cache(maxsize=900)  # noqa: B019 - one Demand lives as long as its process
    def _day(self, day: date, version: int) -> SearchDay:
        rng = np.random.default_rng([self._options.seed, STREAM, day.toordinal()])
        factor, shift = self._levels(day)
        spread = rng.gamma(25, 1 / 25, len(self.pages))
        own = self.multipliers(day)[self.page_of]
        # What no page serves has streams of its own, so that it changes nothing else of the day.
        later, last = (
            np.random.default_rng([self._options.seed, stream, day.toordinal()])
            for stream in (TOPIC_STREAM, QUESTION_STREAM)
        )
        parts = []
        for part, source in (
            (slice(0, self._usual), rng),
            (slice(self._usual, self._with_topics), later),
            (slice(self._with_topics, None), last),
        ):
            page, brand = self.page_of[part], self.brand[part]
            noise = source.normal(0, 0.25, len(page))
            seen = source.poisson(self.rate[part] * (factor * spread)[page])
            place = np.maximum(1.0, self.position[part] + np.where(brand, 0.0, shift[page]) + noise)
            usual_ctr = self.expected_ctr(place) * own[part]
            ctr = np.where(brand, BRAND_CTR * self.brand_factor[part], usual_ctr)
            parts.append((seen, place, source.binomial(seen, np.clip(ctr, 0, 0.95))))
        impressions, position, clicks = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        shown = np.flatnonzero(impressions).astype(np.int32)
        return SearchDay(
            self.page_of[shown].astype(np.int32),
            shown,
            impressions[shown].astype(np.int32),
            clicks[shown].astype(np.int32),
            position[shown].astype(np.float32),
        )

    def day(self, day: date) -> SearchDay:
        """The true rows of a day, anonymised queries included."""
        return self._day(day, self.effects.version)

    def clicks_by_page(self, day: date) -> np.ndarray:
        rows = self.day(day)
        return np.bincount(rows.page, rows.clicks, len(self.pages))

    def relative_clicks(self, day: date) -> float:
        """Expected clicks of a day relative to what they were without writes: the uplift of demand."""
        if not self.effects.on(day):
            return 1.0
        now, before = self.multipliers(day), self.planned(day)
        expected = self.rate * self.expected_ctr(self.position)
        return float((expected * now[self.page_of]).sum() / (expected * before[self.page_of]).sum())
