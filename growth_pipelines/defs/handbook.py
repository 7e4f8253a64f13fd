"""The way from an asset that tells what was measured to the section of docs/ that says how to read it."""

from __future__ import annotations

import dagster as dg

# The page of docs/ of each group of assets: it has a section named after every asset of the group, which says how
# to read it and when not to trust it.
PAGES = {
    "monitoring": "docs/monitoring.md",
    "experiments": "docs/experiments.md",
    "outcomes": "docs/outcomes.md",
    "learning": "docs/learning.md",
}


def with_section(asset: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """The asset, its description pointing to its section; one of another group as it is."""
    return asset.map_asset_specs(_pointing)


def _pointing(spec: dg.AssetSpec) -> dg.AssetSpec:
    page = PAGES.get(spec.group_name or "")
    if page is None:
        return spec
    where = f"How to read it, and when not to trust it: {page}, section `{spec.key.path[-1]}`."
    return spec.replace_attributes(description=f"{spec.description}\n\n{where}")
