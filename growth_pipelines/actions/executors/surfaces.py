"""The parts of a shop that actions write: SEO fields of products, collections, pages and articles; alt text.

A surface reads its fields as they are and writes some of them. Values are text; an unset field is the empty
text, and writing the empty text unsets it again, so that a rollback restores "not set" and not a copy of
what happened to be shown. Shopify keeps the SEO fields of pages and articles in two metafields,
``global.title_tag`` and ``global.description_tag``; they have no ``seo`` input of their own.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, ClassVar, Protocol

from growth_pipelines.errors import GrowthError

TITLE, DESCRIPTION, ALT = "seo.title", "seo.description", "image.alt"
FIELD_NAMES = {
    TITLE: "SEO title",
    DESCRIPTION: "SEO description",
    ALT: "alt text",
    "definition.complementary_products": "definition of complementary products",
    "metafield.complementary_products": "complementary products",
    "definition.related_products": "definition of related products",
    "metafield.related_products": "related products",
    "related_links": "related links",
    "body_image": "images in the text",
    # Fields of structured content go by the first part of their name.
    "definition": "type of content",
    "entry": "entries",
    "metafield": "references",
    "collection.sort_order": "sort order",
    "collection.order": "order of the products",
    "experiment.running": "run of the experiment",
    "experiment.promoted": "arm that everybody gets",
}
_METAFIELDS = {TITLE: "title_tag", DESCRIPTION: "description_tag"}


class ResourceGone(GrowthError):
    """The resource that an action targets is not in the shop any more."""


class WriteRefused(GrowthError):
    """The shop understood the write and refused it (its user errors); trying again is pointless."""


class ShopApi(Protocol):
    """What executors need of the shop: reads that are retried, and writes that are sent once."""

    @property
    def last_request_id(self) -> str: ...

    def execute_text(self, text: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]: ...

    def mutate_text(self, text: str, variables: Mapping[str, Any]) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Reading:
    """``values``: what the shop has set, by field; ``fallbacks``: what is shown where a field is unset.

    ``versions`` are the shop's own marks of the values read, where it has them: a write that carries the mark
    is refused when somebody else has written in between.
    """

    values: dict[str, str]
    fallbacks: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str | None] = field(default_factory=dict)

    def still_shows(self, name: str, before: str) -> bool:
        """Whether the field is as the operator saw it: the value set, or what stood in for an unset one."""
        value = self.values[name]
        if value or not tidy(before):
            return tidy(value) == tidy(before)
        shown, seen = _letters(self.fallbacks.get(name, "")), _letters(before)
        # A description that stands in is cut to what a result page shows, so the rest may follow.
        return bool(seen) and (shown.startswith(seen) if name == DESCRIPTION else shown == seen)


class Surface(Protocol):
    """A set of fields of one resource. ``read`` and ``write`` raise ResourceGone and WriteRefused.

    ``write`` is given the reading that it is based on. A ``stepwise`` surface writes in several calls, and one
    that was cut short is taken up where it stopped.
    """

    @property
    def stepwise(self) -> bool: ...

    def read(self, shop: ShopApi, gid: str) -> Reading: ...

    def write(self, shop: ShopApi, gid: str, values: Mapping[str, str], seen: Reading) -> None: ...


@cache
def document(name: str) -> str:
    """The text of ``documents/{name}.graphql``."""
    return (resources.files(__package__) / "documents" / f"{name}.graphql").read_text(encoding="utf-8")


def tidy(text: str) -> str:
    """``text`` with runs of white space as one space: the shop trims what it is given."""
    return " ".join(text.split())


def _letters(text: str) -> str:
    """Only what was written: markup turns into spaces and dots in more than one way."""
    return re.sub(r"\W+", "", text)


def differing(wanted: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """The fields of ``wanted`` that ``found`` doesn't hold, in order."""
    return [name for name, value in wanted.items() if tidy(found.get(name, "")) != tidy(value)]


@dataclass(frozen=True)
class SeoInput:
    """Products and collections: ``productUpdate`` and ``collectionUpdate`` take a ``seo`` input."""

    resource: str
    mutation: str
    stepwise: ClassVar[bool] = False

    def read(self, shop: ShopApi, gid: str) -> Reading:
        found = found_in(shop.execute_text(document(f"{self.resource}_seo"), {"id": gid}), self.resource, gid)
        return Reading(
            {TITLE: found["seo"]["title"] or "", DESCRIPTION: found["seo"]["description"] or ""},
            {TITLE: found["title"], DESCRIPTION: found["description"]},
        )

    def write(self, shop: ShopApi, gid: str, values: Mapping[str, str], seen: Reading) -> None:
        seo = {name.removeprefix("seo."): value for name, value in values.items()}
        _mutate(shop, f"set_{self.resource}_seo", self.mutation, {"id": gid, "seo": seo})


@dataclass(frozen=True)
class SeoMetafields:
    """Pages and articles: two metafields, set together in one atomic call, deleted to unset them."""

    resource: str
    stepwise: ClassVar[bool] = False

    def read(self, shop: ShopApi, gid: str) -> Reading:
        found = found_in(shop.execute_text(document(f"{self.resource}_seo"), {"id": gid}), self.resource, gid)
        tags = {TITLE: found["titleTag"] or {}, DESCRIPTION: found["descriptionTag"] or {}}
        return Reading(
            {name: tag.get("value") or "" for name, tag in tags.items()},
            {TITLE: found["title"], DESCRIPTION: _plain_text(found["body"])},
            {name: tag.get("compareDigest") for name, tag in tags.items()},
        )

    def write(self, shop: ShopApi, gid: str, values: Mapping[str, str], seen: Reading) -> None:
        owner = {"ownerId": gid, "namespace": "global"}
        # A compareDigest of null says that the metafield must not exist yet.
        filled = [
            {
                **owner,
                "key": _METAFIELDS[name],
                "type": "single_line_text_field",
                "value": value,
                "compareDigest": seen.versions.get(name),
            }
            for name, value in values.items()
            if value
        ]
        emptied = [{**owner, "key": _METAFIELDS[name]} for name, value in values.items() if not value]
        if filled:
            _mutate(shop, "set_metafields", "metafieldsSet", {"metafields": filled})
        if emptied:
            _mutate(shop, "delete_metafields", "metafieldsDelete", {"metafields": emptied})


@dataclass(frozen=True)
class ImageAlt:
    """The alt text of an image in the shop's files."""

    stepwise: ClassVar[bool] = False

    def read(self, shop: ShopApi, gid: str) -> Reading:
        found = found_in(shop.execute_text(document("image_alt"), {"id": gid}), "node", gid)
        return Reading({ALT: found.get("alt") or ""})

    def write(self, shop: ShopApi, gid: str, values: Mapping[str, str], seen: Reading) -> None:
        _mutate(shop, "set_image_alt", "fileUpdate", {"files": [{"id": gid, "alt": values[ALT]}]})


# Target type → (surface, the type that its gid must name).
SEO_SURFACES: dict[str, tuple[Surface, str]] = {
    "product": (SeoInput("product", "productUpdate"), "Product"),
    "collection": (SeoInput("collection", "collectionUpdate"), "Collection"),
    "page": (SeoMetafields("page"), "Page"),
    "article": (SeoMetafields("article"), "Article"),
}
IMAGE_SURFACE: tuple[Surface, str] = (ImageAlt(), "MediaImage")


def field_names(names: Iterable[str]) -> str:
    """The fields for a reader: "SEO title and SEO description"."""
    found = [FIELD_NAMES.get(name) or FIELD_NAMES.get(name.partition(".")[0]) or name for name in names]
    return " and ".join(dict.fromkeys(found))


def found_in(data: Mapping[str, Any], root: str, gid: str) -> dict[str, Any]:
    """The resource in an answer. Raises ResourceGone when it isn't."""
    found: dict[str, Any] | None = data.get(root)
    if found is None:
        raise ResourceGone(f"{gid} is not in the shop any more.", "Nothing was written; reject the action.")
    return found


def _mutate(shop: ShopApi, name: str, mutation: str, variables: Mapping[str, Any]) -> None:
    answer = shop.mutate_text(document(name), variables)[mutation] or {}
    errors = answer.get("userErrors") or []
    if errors:
        raise refused(mutation, errors)


def refused(mutation: str, errors: Iterable[Mapping[str, Any]]) -> WriteRefused:
    """The shop's user errors as one error."""
    said = "; ".join(f"{'.'.join(e.get('field') or ()) or mutation}: {e['message']}" for e in errors)
    return WriteRefused(f"The shop refused {mutation}: {said}", "Edit the draft, or reject the action.")


def _plain_text(markup: str) -> str:
    # No tag ends after the last ">", and looking for that end again and again would take long.
    tags, dot, rest = (markup or "").rpartition(">")
    return html.unescape(re.sub(r"<[^>]+>", " ", tags + dot) + rest)
