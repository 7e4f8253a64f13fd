"""What pages say below their title as a surface: related links and the attributes of images in the text.

Of a body only the asked parts are read and written; the rest keeps every byte. The shop has no lock on a body, so
it is read again right before the write, and what the shop then shows must be what it was given.

A product's description also goes to sales channels, where links to other products have no place: its links are
kept in the metafield ``growth.related_links``, which the theme shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from growth_pipelines.actions.body_html import (
    LINKS,
    image_field,
    image_tag,
    kept_links,
    links_of,
    links_shown,
    with_image,
    with_links,
)
from growth_pipelines.actions.executors.surfaces import (
    Reading,
    ShopApi,
    Surface,
    WriteRefused,
    document,
    found_in,
    refused,
)
from growth_pipelines.actions.structured_fields import NAMESPACE, json_text


@dataclass(frozen=True)
class Body:
    """The body of one resource: its related links, and ``images`` by file name."""

    resource: str
    mutation: str
    links: bool = False
    images: tuple[str, ...] = ()
    stepwise: ClassVar[bool] = False

    def read(self, shop: ShopApi, gid: str) -> Reading:
        return Reading(self._parts(self._body(shop, gid)))

    def write(self, shop: ShopApi, gid: str, values: Mapping[str, str], seen: Reading) -> None:
        body = self._body(shop, gid)
        now = self._parts(body)
        if any(now[name] != seen.values[name] for name in values):
            raise WriteRefused("The text was changed while it was being written.", "Nothing was overwritten.")
        wanted = body
        try:
            for name, value in values.items():
                wanted = self._with(wanted, name, value)
        except ValueError as error:
            raise WriteRefused(f"Nothing was written: {error}.", "Reject the action.") from error
        kept = self._set(shop, gid, wanted)
        if kept.strip() != wanted.strip():
            self._set(shop, gid, body)
            raise WriteRefused(
                "The shop changed the text around it; the earlier text was put back.", "Do it by hand."
            )

    def _body(self, shop: ShopApi, gid: str) -> str:
        found = found_in(shop.execute_text(document(f"{self.resource}_body"), {"id": gid}), self.resource, gid)
        return found["body"] or ""

    def _parts(self, body: str) -> dict[str, str]:
        parts = {LINKS: links_shown(body)} if self.links else {}
        return parts | {image_field(file): image_tag(body, file) for file in self.images}

    @staticmethod
    def _with(body: str, name: str, value: str) -> str:
        return with_links(body, value) if name == LINKS else with_image(body, name.partition(".")[2], value)

    def _set(self, shop: ShopApi, gid: str, body: str) -> str:
        payload = _accepted(
            shop.mutate_text(document(f"set_{self.resource}_body"), {"id": gid, "body": body}), self.mutation
        )
        return str(payload[self.resource]["body"] or "")


@dataclass(frozen=True)
class LinksMetafield:
    """A product's related links: JSON [{section, anchor, url}] for the theme."""

    stepwise: ClassVar[bool] = False

    def read(self, shop: ShopApi, gid: str) -> Reading:
        found = found_in(shop.execute_text(document("product_links"), {"id": gid}), "product", gid)["links"] or {}
        return Reading({LINKS: kept_links(found.get("value"))}, versions={LINKS: found.get("compareDigest")})

    def write(self, shop: ShopApi, gid: str, values: Mapping[str, str], seen: Reading) -> None:
        identity = {"ownerId": gid, "namespace": NAMESPACE, "key": LINKS}
        text = values[LINKS]
        if not text:
            answer = shop.mutate_text(document("delete_metafields"), {"metafields": [identity]})
            _accepted(answer, "metafieldsDelete")
            return
        value = text if text.startswith(("[", "{")) else json_text(links_of(text))
        # A compareDigest of null says that the metafield must not exist yet.
        given = {**identity, "type": "json", "value": value, "compareDigest": seen.versions.get(LINKS)}
        _accepted(shop.mutate_text(document("set_metafields"), {"metafields": [given]}), "metafieldsSet")


@dataclass(frozen=True)
class Together:
    """Several surfaces of one resource, written one after the other; each with the fields that are its own."""

    parts: tuple[tuple[Surface, Sequence[str]], ...]
    stepwise: ClassVar[bool] = True

    def read(self, shop: ShopApi, gid: str) -> Reading:
        whole = Reading({})
        for surface, _ in self.parts:
            one = surface.read(shop, gid)
            whole.values.update(one.values)
            whole.fallbacks.update(one.fallbacks)
            whole.versions.update(one.versions)
        return whole

    def write(self, shop: ShopApi, gid: str, values: Mapping[str, str], seen: Reading) -> None:
        for surface, names in self.parts:
            own = {name: values[name] for name in names if name in values}
            if own:
                surface.write(shop, gid, own, seen)


# Target type → (resource, mutation, the type that its gid must name).
BODIES: dict[str, tuple[str, str, str]] = {
    "product": ("product", "productUpdate", "Product"),
    "collection": ("collection", "collectionUpdate", "Collection"),
    "page": ("page", "pageUpdate", "Page"),
    "article": ("article", "articleUpdate", "Article"),
}


def links_surface(target_type: str) -> Surface:
    """Where the related links of such a resource are kept. Raises KeyError for a type that has none."""
    resource, mutation, _ = BODIES[target_type]
    return LinksMetafield() if target_type == "product" else Body(resource, mutation, links=True)


def _accepted(answer: Mapping[str, Any], mutation: str) -> dict[str, Any]:
    payload: dict[str, Any] = answer[mutation] or {}
    if errors := payload.get("userErrors"):
        raise refused(mutation, errors)
    return payload
