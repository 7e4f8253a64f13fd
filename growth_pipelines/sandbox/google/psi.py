"""PageSpeed Insights: a lab run shaped like Lighthouse's, whose audits explain what the field data show."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.google.errors import GoogleError, invalid
from growth_pipelines.sandbox.plants import Regression
from growth_pipelines.sandbox.records import Product
from growth_pipelines.sandbox.shopify.formats import timestamp
from growth_pipelines.sandbox.vitals import METRICS, SHORT, THRESHOLDS, FieldData

LIGHTHOUSE = "12.8.2"
LCP, INP, CLS, FCP, TTFB = METRICS
FIELD_NAMES = {
    LCP: "LARGEST_CONTENTFUL_PAINT_MS",
    INP: "INTERACTION_TO_NEXT_PAINT",
    CLS: "CUMULATIVE_LAYOUT_SHIFT_SCORE",
    FCP: "FIRST_CONTENTFUL_PAINT_MS",
    TTFB: "EXPERIMENTAL_TIME_TO_FIRST_BYTE",
}
CDN = "https://cdn.shopify.com/s/files/1/0777"
THEME_SCRIPT = f"{options.PRIMARY_URL}/cdn/shop/t/9/assets/theme.js"
THEME_STYLE = f"{options.PRIMARY_URL}/cdn/shop/t/9/assets/theme.css"
APP = ("Loudspeaker Reviews", "https://widgets.loudspeaker-reviews.example/embed.js")
ANALYTICS = ("Google Tag Manager", "https://www.googletagmanager.com/gtm.js?id=GTM-HRP01")


def _audit(name: str, title: str, score: float | None, value: float | None = None, **more: Any) -> dict[str, Any]:
    audit: dict[str, Any] = {"id": name, "title": title, "score": score, "scoreDisplayMode": "metricSavings"}
    if value is not None:
        audit |= {"numericValue": value, "numericUnit": "unitless" if "shift" in name else "millisecond"}
    return audit | more


def _table(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "table", "headings": [], "items": items}


def _opportunity(items: list[dict[str, Any]], ms: float, size: int) -> dict[str, Any]:
    return {
        "type": "opportunity",
        "headings": [],
        "items": items,
        "overallSavingsMs": ms,
        "overallSavingsBytes": size,
    }


def _node(selector: str, snippet: str) -> dict[str, Any]:
    return {"type": "node", "selector": selector, "snippet": snippet, "nodeLabel": selector}


class LabPage:
    """One page as the laboratory sees it: the picture, the scripts, what shifts, and how slow the server is."""

    def __init__(self, resource: Any, regression: Regression | None, strategy: str, noise: float) -> None:
        self.why = regression.why if regression else ""
        self.metric = regression.metric if regression else ""
        self.slow = 1.0 if strategy == "mobile" else 0.62
        self.noise = noise
        picture = resource.pictures[0] if isinstance(resource, Product) and resource.pictures else None
        self.image_url = picture.url if picture else f"{CDN}/files/banner.jpg?v=4"
        self.width, self.height = (picture.width, picture.height) if picture else (1600, 900)
        heavy = self.why == "image"
        self.image_bytes = 2_350_000 if heavy else 92_000
        self.lazy = heavy and (regression is not None and int(regression.after) % 2 == 0)
        level = regression.after if regression else 0.0
        self.server = self.slow * (1_650 if self.why == "server" else 240) * noise
        self.fcp = self.slow * (1_500 * noise + (1_100 if self.why == "server" else 0))
        self.lcp = self.slow * (level if self.metric == "lcp" else 2_050.0) * 1.1 * noise
        self.cls = level if self.metric == "cls" else 0.02 * noise
        self.blocking = self.slow * (level * 1.6 if self.metric == "inp" else 110.0) * noise

    def performance(self) -> float:
        """A score between 0 and 1 that falls with each bad metric (not Lighthouse's exact curves)."""
        score = 0.97
        score -= min(0.3, max(0.0, (self.lcp - 2500) / 6000))
        score -= min(0.3, max(0.0, (self.blocking - 200) / 2500))
        score -= min(0.25, max(0.0, (self.cls - 0.1)))
        return round(max(0.05, score), 2)

    def audits(self) -> dict[str, Any]:
        audits = [
            _audit("first-contentful-paint", "First Contentful Paint", 0.8, round(self.fcp, 1)),
            _audit("largest-contentful-paint", "Largest Contentful Paint", self._score(self.lcp, 2500), self.lcp),
            _audit("total-blocking-time", "Total Blocking Time", self._score(self.blocking, 200), self.blocking),
            _audit("cumulative-layout-shift", "Cumulative Layout Shift", self._score(self.cls, 0.1), self.cls),
            _audit("speed-index", "Speed Index", 0.8, self.fcp * 1.3),
            self._server_audit(),
            self._largest_element(),
            self._lazy_audit(),
            *self._image_audits(),
            self._blocking_audit(),
            *self._script_audits(),
            *self._layout_audits(),
            self._font_audit(),
        ]
        return {audit["id"]: audit for audit in audits}

    @staticmethod
    def _score(value: float, good: float) -> float:
        return round(max(0.0, min(1.0, 1.4 - 0.5 * value / good)), 2)

    def _server_audit(self) -> dict[str, Any]:
        details = _opportunity(
            [{"url": options.PRIMARY_URL, "responseTime": self.server}], max(0, self.server - 100), 0
        )
        score = 0.0 if self.server > 600 else 1.0
        return _audit("server-response-time", "Initial server response time", score, self.server, details=details)

    def _largest_element(self) -> dict[str, Any]:
        lazy = ' loading="lazy"' if self.lazy else ""
        snippet = f'<img src="{self.image_url}" width="{self.width}" height="{self.height}"{lazy}>'
        node = _node("main > div.product__media > img", snippet)
        phases = [
            {"phase": "TTFB", "timing": self.server, "percent": "20%"},
            {"phase": "Load Delay", "timing": 0.2 * self.lcp, "percent": "20%"},
            {"phase": "Load Time", "timing": 0.4 * self.lcp, "percent": "40%"},
            {"phase": "Render Delay", "timing": 0.2 * self.lcp, "percent": "20%"},
        ]
        tables = {"type": "list", "items": [_table([{"node": node}]), _table(phases)]}
        score = 0.0 if self.lcp > 2_500 else 1.0
        title = "Largest Contentful Paint element"
        return _audit("largest-contentful-paint-element", title, score, details=tables)

    def _lazy_audit(self) -> dict[str, Any]:
        items = [{"node": _node("main > div.product__media > img", "<img>")}] if self.lazy else []
        title = "Largest Contentful Paint image was lazily loaded"
        return _audit("lcp-lazy-loaded", title, 0.0 if self.lazy else 1.0, details=_table(items))

    def _image_audits(self) -> list[dict[str, Any]]:
        heavy = self.why == "image"
        wasted = int(self.image_bytes * 0.86) if heavy else 0
        row = {"url": self.image_url, "totalBytes": self.image_bytes, "wastedBytes": wasted, "fromProtocol": False}
        row["node"] = _node("main > div.product__media > img", "<img>")
        details = _opportunity([row] if heavy else [], 0.45 * self.lcp if heavy else 0, wasted)
        score = 0.0 if heavy else 1.0
        request = {
            "url": self.image_url,
            "resourceType": "Image",
            "transferSize": self.image_bytes,
            "resourceSize": self.image_bytes,
            "mimeType": "image/jpeg",
        }
        scripts = [
            {"url": url, "resourceType": kind, "transferSize": size, "resourceSize": size * 3, "mimeType": mime}
            for url, kind, size, mime in (
                (THEME_SCRIPT, "Script", 48_000, "text/javascript"),
                (THEME_STYLE, "Stylesheet", 31_000, "text/css"),
                (ANALYTICS[1], "Script", 92_000, "text/javascript"),
                *(((APP[1], "Script", 410_000, "text/javascript"),) if self.why == "script" else ()),
            )
        ]
        return [
            _audit("modern-image-formats", "Serve images in next-gen formats", score, details=details),
            _audit("uses-optimized-images", "Efficiently encode images", score, details=details),
            _audit("uses-responsive-images", "Properly size images", score, details=details),
            _audit("network-requests", "Network Requests", 1.0, details=_table([request, *scripts])),
        ]

    def _blocking_audit(self) -> dict[str, Any]:
        items = [{"url": THEME_STYLE, "totalBytes": 31_000, "wastedMs": 90 * self.slow}]
        if self.why == "script":
            items.append({"url": APP[1], "totalBytes": 410_000, "wastedMs": 640 * self.slow})
        wasted = sum(float(str(item["wastedMs"])) for item in items)
        score = 0.0 if self.why == "script" else 0.9
        title = "Eliminate render-blocking resources"
        return _audit("render-blocking-resources", title, score, wasted, details=_opportunity(items, wasted, 0))

    def _script_audits(self) -> list[dict[str, Any]]:
        parties = [{"entity": ANALYTICS[0], "blockingTime": 22.0, "mainThreadTime": 90.0, "transferSize": 92_000}]
        tasks = [{"url": THEME_SCRIPT, "duration": 68.0 * self.slow, "startTime": 900.0}]
        if self.why == "script":
            blocked = self.blocking * 0.82
            parties.insert(
                0,
                {
                    "entity": APP[0],
                    "blockingTime": blocked,
                    "mainThreadTime": blocked * 1.6,
                    "transferSize": 410_000,
                },
            )
            tasks.insert(0, {"url": APP[1], "duration": blocked * 0.55, "startTime": 1_400.0})
            tasks.insert(1, {"url": APP[1], "duration": blocked * 0.3, "startTime": 2_100.0})
        score = 0.0 if self.why == "script" else 1.0
        return [
            _audit("third-party-summary", "Reduce the impact of third-party code", score, details=_table(parties)),
            _audit("long-tasks", "Avoid long main-thread tasks", score, details=_table(tasks)),
        ]

    def _layout_audits(self) -> list[dict[str, Any]]:
        shifts: list[dict[str, Any]] = [{"node": _node("footer.site-footer", "<footer>"), "score": 0.012}]
        unsized: list[dict[str, Any]] = []
        if self.why == "layout":
            image = _node("div.product__media > img", f'<img src="{self.image_url}">')
            cause = {"items": [{"cause": "Media element lacking an explicit size", "extra": image}]}
            shifts.insert(0, {"node": image, "score": self.cls * 0.7, "subItems": {"type": "subitems"} | cause})
            banner = _node("div#promo-banner", '<div id="promo-banner">')
            shifts.insert(
                1, {"node": banner, "score": self.cls * 0.25, "subItems": {"type": "subitems", "items": []}}
            )
            unsized.append({"url": self.image_url, "node": image})
        if self.why == "font":
            cause = {
                "items": [
                    {"cause": "Web font loaded", "extra": {"type": "url", "value": f"{CDN}/fonts/garage.woff2"}}
                ]
            }
            heading = _node("h1.product__title", '<h1 class="product__title">')
            shifts.insert(0, {"node": heading, "score": self.cls * 0.9, "subItems": {"type": "subitems"} | cause})
        title = "Image elements do not have explicit width and height"
        return [
            _audit(
                "layout-shifts",
                "Avoid large layout shifts",
                0.0 if self.cls > 0.1 else 1.0,
                details=_table(shifts),
            ),
            _audit("unsized-images", title, 0.0 if unsized else 1.0, details=_table(unsized)),
        ]

    def _font_audit(self) -> dict[str, Any]:
        slow = self.why == "font"
        items = [{"url": f"{CDN}/fonts/garage.woff2", "wastedMs": 780.0 * self.slow}] if slow else []
        title = "Ensure text remains visible during webfont load"
        return _audit("font-display", title, 0.0 if slow else 1.0, details=_table(items))


class PageSpeed:
    """``GET /pagespeedonline/v5/runPagespeed``."""

    def __init__(self, shop: Any, field_data: FieldData) -> None:
        self.shop = shop
        self.field_data = field_data

    def run(self, query: Mapping[str, str]) -> dict[str, Any]:
        url = query.get("url", "")
        strategy = query.get("strategy", "desktop").lower()
        if strategy not in ("mobile", "desktop"):
            raise invalid(f"Invalid value at 'strategy': {strategy}.")
        page = self.field_data.page_at(url) if url.startswith(options.PRIMARY_URL) else None
        if page is None:
            message = "Lighthouse returned error: FAILED_DOCUMENT_REQUEST. The page could not be loaded."
            raise GoogleError(500, message, "INTERNAL", "lighthouseError")
        lab = LabPage(self.shop.demand.pages[page], self._open(page, strategy), strategy, self._noise(url))
        return {
            "captchaResult": "CAPTCHA_NOT_NEEDED",
            "kind": "pagespeedonline#result",
            "id": url,
            "loadingExperience": self._field(page if self.field_data.covered(page) else None, url, strategy),
            "originLoadingExperience": self._field(None, options.PRIMARY_URL, strategy),
            "lighthouseResult": {
                "requestedUrl": url,
                "finalUrl": url,
                "lighthouseVersion": LIGHTHOUSE,
                "fetchTime": timestamp(self.shop.now()),
                "configSettings": {"formFactor": strategy, "locale": "en-US", "onlyCategories": ["performance"]},
                "categories": {
                    "performance": {"id": "performance", "title": "Performance", "score": lab.performance()}
                },
                "audits": lab.audits(),
            },
            "analysisUTCTimestamp": timestamp(self.shop.now()),
        }

    def _open(self, page: int, strategy: str) -> Regression | None:
        """The regression that a run today would see; a desktop run does not see what only phones feel."""
        for one in self.shop.plants.regressions:
            repaired = one.fixed_on is not None and one.fixed_on <= self.shop.today
            seen = one.form_factor == "both" or strategy == "mobile"
            if one.page == page and one.since <= self.shop.today and not repaired and seen:
                return one
        return None

    def _noise(self, url: str) -> float:
        """Lab runs differ by a few per cent from day to day."""
        seed = f"{self.shop.options.seed}/{self.shop.today}/{url}".encode()
        return 0.96 + 0.08 * hashlib.sha256(seed).digest()[0] / 255

    def _field(self, page: int | None, target: str, strategy: str) -> dict[str, Any]:
        form = "phone" if strategy == "mobile" else "desktop"
        metrics = {}
        for metric in METRICS:
            window = self.field_data.window(page, form, metric, self.field_data.newest(self.shop.today))
            good, poor = THRESHOLDS[metric]
            category = "FAST" if window.p75 <= good else "AVERAGE" if window.p75 <= poor else "SLOW"
            scaled = window.p75 * 100 if metric == CLS else window.p75
            metrics[FIELD_NAMES[metric]] = {"percentile": round(scaled), "category": category}
        answer: dict[str, Any] = {"id": target, "metrics": metrics, "initial_url": target}
        core = [metrics[FIELD_NAMES[metric]]["category"] for metric in SHORT.values()]
        answer["overall_category"] = "SLOW" if "SLOW" in core else "AVERAGE" if "AVERAGE" in core else "FAST"
        if page is None and target != options.PRIMARY_URL:
            answer["origin_fallback"] = True
        return answer
