"""Which rows of the register and of the exposure log become which raw table.

No event of the chain tells of an exposure, so they are all read at each build: what retention deletes in the store
is gone from the warehouse with the next one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, Text, cast, func

from growth_pipelines.store.tables import Experiment, Exposure, UnitEvent
from growth_pipelines.warehouse import operations_tables as raw
from growth_pipelines.warehouse.operations_queries import Copy, instant


def _experiments(engine: str) -> dict[str, Any]:
    plain = ("status", "primary_metric", "pre_days", "outcome_days")
    return {
        "shop_id": Experiment.shop_id,
        "experiment_id": Experiment.id,
        "experiment_key": Experiment.key,
        "unit_type": Experiment.unit,
        **{name: getattr(Experiment, name) for name in plain},
        **{name: instant(getattr(Experiment, name), engine) for name in ("started_at", "ended_at")},
    }


def _arms(engine: str) -> dict[str, Any]:
    return {"shop_id": Experiment.shop_id, "experiment_id": Experiment.id, "arms": cast(Experiment.arms, Text)}


def _one_row_an_arm(columns: dict[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    rows = [
        (shop_id, experiment_id, arm["name"], arm["weight"], str(place == 0))
        for shop_id, experiment_id, arms in zip(*columns.values(), strict=True)
        for place, arm in enumerate(json.loads(arms))
    ]
    names = ("shop_id", "experiment_id", "variant", "weight", "is_control")
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _exposures(engine: str) -> dict[str, Any]:
    return {
        "shop_id": Experiment.shop_id,
        "exposure_id": Exposure.experiment_id + ":" + Exposure.unit_id,
        "experiment_id": Exposure.experiment_id,
        "unit_id": Exposure.unit_id,
        "variant": Exposure.arm,
        "exposed_at": instant(Exposure.exposed_at, engine),
    }


def _unit_days(engine: str) -> dict[str, Any]:
    return {
        "shop_id": Experiment.shop_id,
        "experiment_id": Exposure.experiment_id,
        "unit_id": Exposure.unit_id,
        "metric": UnitEvent.metric,
        "date": cast(UnitEvent.day, Text),
        "value": func.sum(UnitEvent.value),
    }


def _of_experiments(query: Select[Any]) -> Select[Any]:
    return query.select_from(Exposure).join(Experiment, Experiment.id == Exposure.experiment_id)


def _of_exposed_units(query: Select[Any]) -> Select[Any]:
    grain = (Experiment.shop_id, Exposure.experiment_id, Exposure.unit_id, UnitEvent.metric, UnitEvent.day)
    return _of_experiments(query).join(UnitEvent, UnitEvent.unit_id == Exposure.unit_id).group_by(*grain)


EXPERIMENT_COPIES = (
    Copy(
        raw.EXPERIMENTS,
        _experiments,
        about=Experiment.id,
        source=lambda query: query,
        whole=True,
        local_dates={"started_date": "started_at", "ended_date": "ended_at"},
    ),
    Copy(raw.VARIANTS, _arms, about=Experiment.id, source=lambda query: query, whole=True, finish=_one_row_an_arm),
    Copy(
        raw.EXPOSURES,
        _exposures,
        about=Exposure.experiment_id,
        source=_of_experiments,
        whole=True,
        local_dates={"local_date": "exposed_at"},
    ),
    Copy(raw.EXPERIMENT_METRICS, _unit_days, about=Exposure.experiment_id, source=_of_exposed_units, whole=True),
)
