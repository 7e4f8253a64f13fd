"""The way from what Dagster shows to the action's page in the console."""

from __future__ import annotations

from collections.abc import Iterable

from dagster import MetadataValue

from growth_pipelines.defs.display import some_of
from growth_pipelines.settings import Settings

_SHOWN = 25


def action_url(settings: Settings, ref: str) -> MetadataValue:
    """A link to one action."""
    return MetadataValue.url(_address(settings.console_url, ref))


def action_links(console: str, actions: Iterable[tuple[str, str]]) -> MetadataValue:
    """Links to actions, one a line; each is a ref and what is said of it. ``console`` is the console's address."""
    lines = [f"[{ref}]({_address(console, ref)}) {_plain(said)}".strip() for ref, said in actions]
    return MetadataValue.md(some_of(lines, _SHOWN))


def _address(console: str, ref: str) -> str:
    return f"{console}/actions/{ref}"


def _plain(text: str) -> str:
    """Titles hold words from the shop, which must not become markup."""
    return "".join(f"\\{sign}" if sign in r"\`*_[]<>#|!" else sign for sign in " ".join(text.split()))
