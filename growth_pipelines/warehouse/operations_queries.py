"""Which rows of the operational store become which raw table, as SQLAlchemy selects.

Every value leaves the store as a number or as text that both engines read (instants as UTC wall time), so that
a row costs no Python object beyond its cells. Texts of people stay behind: of a reason only its code is kept.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, func, literal, or_, select

from growth_pipelines.store.tables import Action, ActionOutcome, ActionReturn, AuditEvent, Execution
from growth_pipelines.warehouse import operations_tables as raw
from growth_pipelines.warehouse.raw_tables import RawTable

# What an operator may reject for. A rollback's reason is in the operator's own words: it becomes "other".
REASON_CODES = ("incorrect", "not_relevant", "tone", "too_risky", "other")
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Copy:
    """``columns(engine)`` are a select's columns by raw column; ``about`` is the store's column with the action's
    id, ``events`` whether rows are the chain's own, of which only new ones are read, ``whole`` whether all are
    read each time, as no event tells of them, ``anew`` whether they then replace all that was there.
    ``local_dates`` names the raw column of a day and the instant it is
    the day of. ``finish`` computes further columns of a row."""

    table: RawTable
    columns: Callable[[str], dict[str, Any]]
    about: Any
    source: Callable[[Select[Any]], Select[Any]]
    events: bool = False
    whole: bool = False
    anew: bool = False
    local_dates: Mapping[str, str] = field(default_factory=dict)
    finish: Callable[[dict[str, Sequence[Any]]], dict[str, Sequence[Any]]] | None = None

    def select(self, engine: str) -> Select[Any]:
        """All rows of the store for this table, columns named as the raw table's."""
        labelled = [column.label(name) for name, column in self.columns(engine).items()]
        return self.source(select(*labelled))


def instant(column: Any, engine: str) -> ColumnElement[str]:
    """UTC wall time as text: what SQLite stores, and PostgreSQL's instant without its zone."""
    return cast(column if engine == "sqlite" else func.timezone("UTC", column), Text)


def _reason_code(reason: ColumnElement[str]) -> ColumnElement[Any]:
    return case((reason.in_(REASON_CODES), reason), (func.coalesce(reason, "") != "", literal("other")))


def _actions(engine: str) -> dict[str, Any]:
    plain = ["ref", "kind", "subtype", "recommender", "source", "version", "state", "resource_gid", "confidence"]
    plain += ["ease", "score", "risk_tier", "priority", "ranking_version", "decided_by", "decided_channel"]
    instants = ("state_at", "created_at", "updated_at", "expires_at", "executed_at", "decided_at")
    numbers = {"impact_delta": "delta", "impact_low": "low", "impact_high": "high"}
    numbers |= {name: name for name in ("revenue_28d", "revenue_low", "revenue_high")}
    return {
        "shop_id": Action.shop_id,
        "action_id": Action.id,
        **{name: getattr(Action, name) for name in plain},
        **{name: instant(getattr(Action, name), engine) for name in instants},
        "target_type": Action.target["type"].as_string(),
        "target_url": Action.target["url"].as_string(),
        "fields": cast(Action.fields, Text),
        "impact_metric": Action.impact["metric"].as_string(),
        "impact_unit": Action.impact["unit"].as_string(),
        **{name: Action.impact[key].as_float() for name, key in numbers.items()},
        "is_auto_approvable": cast(Action.auto_approvable, Text),
    }


def _events(engine: str) -> dict[str, Any]:
    plain = ("seq", "action_id", "version", "event", "actor", "channel")
    return {
        "shop_id": Action.shop_id,
        "event_id": AuditEvent.id,
        **{name: getattr(AuditEvent, name) for name in plain},
        "occurred_at": instant(AuditEvent.at, engine),
        "from_state": AuditEvent.payload["from"].as_string(),
        "to_state": AuditEvent.payload["to"].as_string(),
        "decision": AuditEvent.payload["decision"].as_string(),
        "reason_code": _reason_code(AuditEvent.payload["reason"].as_string()),
    }


def _executions(engine: str) -> dict[str, Any]:
    return {
        "shop_id": Action.shop_id,
        **{name: getattr(Execution, name) for name in ("action_id", "version", "status", "attempts")},
        **{name: instant(getattr(Execution, name), engine) for name in ("started_at", "finished_at")},
    }


def _outcomes(engine: str) -> dict[str, Any]:
    plain = ["action_id", "metric", "horizon_days", "baseline", "observed", "counterfactual", "effect", "controls"]
    plain += ["effect_low", "effect_high", "shared_error", "estimate", "outcome_class"]
    return {
        "shop_id": Action.shop_id,
        **{name: getattr(ActionOutcome, name) for name in plain},
        "is_promised": cast(ActionOutcome.is_promised, Text),
        "unit": case((ActionOutcome.is_promised, Action.impact["unit"].as_string())),
        "method": literal("control_pages"),
        # What is not complete is not measured.
        "is_complete": literal("true"),
        "measured_at": instant(ActionOutcome.measured_at, engine),
    }


def _returns(engine: str) -> dict[str, Any]:
    plain = ["shop_id", "recommender", "actions", "measured", "waiting", "not_measurable", "overlapping"]
    plain += ["promised", "promised_in_all", "realised", "realised_low", "realised_high"]
    return {
        **{name: getattr(ActionReturn, name) for name in plain},
        "month": cast(ActionReturn.month, Text),
        "counted_at": instant(ActionReturn.counted_at, engine),
    }


def _measured(query: Select[Any]) -> Select[Any]:
    return query.join(Action, Action.id == ActionOutcome.action_id).where(ActionOutcome.effect.is_not(None))


def _feedback(engine: str) -> dict[str, Any]:
    decision = AuditEvent.payload["decision"].as_string()
    return {
        "shop_id": Action.shop_id,
        "feedback_id": AuditEvent.id,
        "action_id": AuditEvent.action_id,
        "version": AuditEvent.version,
        "occurred_at": instant(AuditEvent.at, engine),
        "feedback": func.coalesce(decision, "edit"),
        "reason_code": _reason_code(AuditEvent.payload["reason"].as_string()),
        # An approval with edits tells of its edit twice: the version that it made is the one that counts.
        "edit": case((decision.is_(None), AuditEvent.payload["edit"].as_string())),
    }


def _of_an_action(query: Select[Any]) -> Select[Any]:
    return query.join(Action, Action.id == AuditEvent.action_id)


def _that_say_something(query: Select[Any]) -> Select[Any]:
    said = AuditEvent.payload["decision"].as_string().is_not(None)
    edited = and_(AuditEvent.event == "revised", AuditEvent.payload["edit"].as_string().is_not(None))
    return _of_an_action(query).where(or_(said, edited))


def _with_words(columns: dict[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The edits' sizes in place of the edits."""
    sizes = [edit_size(json.loads(edit)) if edit else (None,) * 4 for edit in columns.pop("edit")]
    names = ("parts_changed", "words_before", "words_after", "words_changed")
    return {**columns, **{name: [size[place] for size in sizes] for place, name in enumerate(names)}}


def edit_size(edit: Sequence[Mapping[str, Any]]) -> tuple[int, int, int, int]:
    """Parts that an edit changed, their words before and after it, and the words replaced, added or removed.

    Words are what spaces separate; a replaced run counts as its longer side.
    """
    before = after = changed = 0
    for part in edit:
        old, new = (_text(part[side]).split() for side in ("before", "after"))
        before, after = before + len(old), after + len(new)
        steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        changed += sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in steps if tag != "equal")
    return len(edit), before, after, changed


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


COPIES = (
    Copy(
        raw.ACTIONS,
        _actions,
        about=Action.id,
        source=lambda query: query,
        local_dates={"created_date": "created_at", "executed_date": "executed_at"},
    ),
    Copy(
        raw.ACTION_EVENTS,
        _events,
        about=AuditEvent.action_id,
        source=_of_an_action,
        events=True,
        local_dates={"local_date": "occurred_at"},
    ),
    Copy(
        raw.EXECUTIONS,
        _executions,
        about=Execution.action_id,
        source=lambda query: query.join(Action, Action.id == Execution.action_id),
    ),
    Copy(
        raw.FEEDBACK,
        _feedback,
        about=AuditEvent.action_id,
        source=_that_say_something,
        events=True,
        local_dates={"local_date": "occurred_at"},
        finish=_with_words,
    ),
    Copy(raw.OUTCOMES, _outcomes, about=ActionOutcome.action_id, source=_measured),
    Copy(raw.RETURNS, _returns, about=None, source=lambda query: query, whole=True, anew=True),
)
