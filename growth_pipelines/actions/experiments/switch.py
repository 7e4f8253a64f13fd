"""The two fields of an experiment that approved actions write: whether it runs, and which arm everybody gets.

To the executor the register is one more surface: read, compared with what the operator saw, written once, read
back, and undone by writing what was there before. Undoing a start stops the experiment; it becomes no draft again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from growth_pipelines.actions.executors.shop import ShopLine
from growth_pipelines.actions.executors.surfaces import Reading, ResourceGone, ShopApi, Surface, WriteRefused
from growth_pipelines.actions.experiments.declaration import BadExperiment
from growth_pipelines.actions.experiments.registry import NoSuchExperiment, find_experiment, move, promote, start
from growth_pipelines.actions.experiments.states import NoSuchMove
from growth_pipelines.actions.experiments.units import check_units, expose_customers
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.database import Store

RUNNING, PROMOTED = "experiment.running", "experiment.promoted"
GID = "growth://experiment/"
_EXECUTOR = {"actor": "executor", "channel": "executor"}


@dataclass(frozen=True)
class ExperimentSwitch:
    """The surface; the executor binds it to its store and time. ``units`` is the digest of those approved."""

    units: str = ""
    store: Store | None = None
    now: datetime | None = None
    stepwise: ClassVar[bool] = False

    def read(self, shop: ShopApi, gid: str) -> Reading:
        assert self.store is not None
        try:
            with self.store.read() as session:
                row = find_experiment(session, gid.removeprefix(GID))
                running = "yes" if row.status == "running" else "no"
                return Reading({RUNNING: running, PROMOTED: row.promoted})
        except NoSuchExperiment as error:
            raise ResourceGone(error.message, "Nothing was written; reject the action.") from error

    def write(self, shop: ShopApi, gid: str, values: Mapping[str, str], seen: Reading) -> None:
        assert self.store is not None
        assert self.now is not None
        try:
            with self.store.session() as session:
                row = find_experiment(session, gid.removeprefix(GID))
                if values.get(RUNNING) == "yes":
                    check_units(session, row, self.units)
                    start(session, row, now=self.now, **_EXECUTOR)
                    if row.unit == "customer":
                        expose_customers(session, row, self.now)
                elif RUNNING in values:
                    move(session, row, "stop", now=self.now, reason="rolled back", **_EXECUTOR)
                if PROMOTED in values:
                    promote(session, row, values[PROMOTED], now=self.now, **_EXECUTOR)
        except (NoSuchMove, BadExperiment, NoSuchExperiment) as error:
            raise WriteRefused(error.message, error.hint) from error


class _NoShop:
    """Stands where a surface is given the shop: the register works while the shop is away."""

    last_request_id = ""

    def execute_text(self, text: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        raise GrowthError("The register of experiments asks the shop nothing.")

    def mutate_text(self, text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        raise GrowthError("The register of experiments writes nothing to the shop.")


def switch_plan(gid: str, draft: Mapping[str, Any]) -> tuple[str, Surface, dict[str, str]]:
    """What an approved draft writes: ``{"running": "yes"}`` or ``{"promoted": arm}``. Raises GrowthError.

    A start has the digest of its ``units`` too, where they were drawn.
    """
    wanted = {name: draft[key] for key, name in (("running", RUNNING), ("promoted", PROMOTED)) if key in draft}
    if not gid.startswith(GID) or len(wanted) != 1 or not all(isinstance(v, str) and v for v in wanted.values()):
        raise GrowthError("The draft neither starts an experiment nor promotes an arm.", "Reject the action.")
    if wanted.get(RUNNING, "yes") != "yes":
        raise GrowthError("A draft can only start an experiment.", "Stop it with `growth experiments stop`.")
    return gid, ExperimentSwitch(units=str(draft.get("units", ""))), wanted


def bound(surface: Surface | None, store: Store, now: datetime) -> Surface | None:
    """``surface``, able to reach the register if it is the switch."""
    return replace(surface, store=store, now=now) if isinstance(surface, ExperimentSwitch) else surface


def line_to(surface: Surface, shop: ShopLine) -> ShopApi:
    """What ``surface`` is reached by: the shop, or nothing for the switch."""
    return _NoShop() if isinstance(surface, ExperimentSwitch) else shop.api
