"""The barrier between raw tables and models: nothing is built while a contract is broken.

Within one run the blocking checks see to that. Models that are refreshed in a run of their own, hours later or by
hand, come through here.
"""

from __future__ import annotations

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.windows import naive_utc
from growth_pipelines.quality.report import still_asked
from growth_pipelines.quality.results import latest, prepare
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse


def require_contracts(settings: Settings) -> None:
    """Raises GrowthError while the newest outcome of any contract is that it is broken."""
    warehouse = Warehouse.of(settings)
    warehouse.ensure_raw()
    with warehouse.write() as connection:
        prepare(connection)
        broken = [one for one in still_asked(latest(connection, naive_utc(settings.clock.now()))) if one.blocks]
    if broken:
        first = broken[0]
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise GrowthError(
            f"A contract is broken: raw.{first.table}: {first.expectation} ({first.observed}){more}.",
            "Readers keep what was published before; `growth quality` shows what to look at.",
        )
