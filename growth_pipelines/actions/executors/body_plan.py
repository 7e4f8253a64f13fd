"""What an approved draft means for what a page says below its title: related links, and images in its text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from growth_pipelines.actions.body_html import (
    LINKS,
    PER_PAGE,
    PER_SECTION,
    flaw_of_link,
    image_field,
    links_text,
    only_repairs,
)
from growth_pipelines.actions.executors.bodies import BODIES, Body, Together, links_surface
from growth_pipelines.actions.executors.structured_plan import InvalidDraft, checked_gid
from growth_pipelines.actions.executors.surfaces import Surface
from growth_pipelines.actions.model import FieldChange, Target

_EDIT = "Edit the draft, or reject the action."

Part = tuple[str, Surface | None, dict[str, str]]


def links_plan(target: Target, draft: Mapping[str, Any], surface: Surface | None, wanted: dict[str, str]) -> Part:
    """The plan of a snippet (``surface``, ``wanted``) with the draft's ``internal_links`` added to it."""
    if target.type not in BODIES:
        raise InvalidDraft(f"Links of a {target.type} can't be written.", f"They can for: {', '.join(BODIES)}.")
    gid = checked_gid(target.gid, BODIES[target.type][2])
    text = links_text(checked_links(draft.get("internal_links"), urlsplit(target.url).path))
    own = links_surface(target.type)
    if surface is None:
        return gid, own, {LINKS: text}
    return gid, Together(((surface, tuple(wanted)), (own, (LINKS,)))), {**wanted, LINKS: text}


def images_plan(target: Target, draft: Mapping[str, Any], diff: Iterable[FieldChange]) -> Part:
    """The plan of a draft's ``images`` {file, tag}: each only with what a repair may change of what was shown."""
    if target.type not in BODIES:
        raise InvalidDraft(f"The text of a {target.type} can't be written.", f"It can for: {', '.join(BODIES)}.")
    resource, mutation, gid_type = BODIES[target.type]
    images = draft["images"]
    if not isinstance(images, list) or not all(isinstance(image, Mapping) for image in images):
        raise InvalidDraft("The draft's images must be a list of {file, tag}.", "Reject the action.")
    shown = {change.field: change.before for change in diff}
    wanted = {image_field(str(image.get("file"))): str(image.get("tag")) for image in images}
    for name, tag in wanted.items():
        if not only_repairs(shown.get(name, ""), tag):
            raise InvalidDraft(
                f"{name} would change more than how the image is loaded and its size.",
                "Reject it; it will be drafted again.",
            )
    files = tuple(name.partition(".")[2] for name in wanted)
    return checked_gid(target.gid, gid_type), Body(resource, mutation, images=files), wanted


def checked_links(given: Any, own_path: str) -> list[dict[str, str]]:
    """The links {section, anchor, url} of a draft for the page at ``own_path``. Raises InvalidDraft."""
    if not isinstance(given, list) or not all(isinstance(link, Mapping) for link in given):
        raise InvalidDraft("The draft's internal_links must be a list of {section, anchor, url}.", _EDIT)
    links = [{name: link.get(name) for name in ("section", "anchor", "url")} for link in given]
    if flaw := next(filter(None, map(flaw_of_link, links)), ""):
        raise InvalidDraft(flaw, _EDIT)
    urls = [str(link["url"]).rstrip("/").lower() for link in links]
    if own_path.rstrip("/").lower() in urls:
        raise InvalidDraft("The page would link to itself.", _EDIT)
    if len(set(urls)) < len(urls):
        raise InvalidDraft("Two links lead to the same page.", _EDIT)
    sections = Counter(link["section"] for link in links)
    if len(links) > PER_PAGE or any(count > PER_SECTION for count in sections.values()):
        raise InvalidDraft(f"At most {PER_SECTION} links a section and {PER_PAGE} a page.", "Edit the draft.")
    return [{name: str(text) for name, text in link.items()} for link in links]
