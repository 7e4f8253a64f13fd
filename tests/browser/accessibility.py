"""What axe finds against WCAG 2.2 A and AA in an open page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Of what a page passes nothing is told, and nothing is sent: that would take longer than to find it.
_RUN = """
async rules => {
  const found = await axe.run(document, { runOnly: rules, resultTypes: ["violations"] });
  return found.violations.flatMap(item => item.nodes.map(node => `${item.id}: ${node.html.slice(0, 140)}`));
}
"""


def violations(page: Any) -> list[str]:
    """Each with the page's address, the name of its rule and the beginning of the element."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    return [f"{page.url} {found}" for found in page.evaluate(_RUN, _RULES)]
