"""Content: titles and descriptions from templates over verified facts, their score, and claim checks.

The functions are loaded on first use, so importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from growth_pipelines.content.claims import check_claims
    from growth_pipelines.content.scoring import Score, score
    from growth_pipelines.content.snippets import description_variants, has_templates, title_variants

__all__ = ["Score", "check_claims", "description_variants", "has_templates", "score", "title_variants"]

_HOME = {
    "Score": "scoring",
    "check_claims": "claims",
    "description_variants": "snippets",
    "has_templates": "snippets",
    "score": "scoring",
    "title_variants": "snippets",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
