"""The operational tables, declared once for SQLite and PostgreSQL (schema ``growth`` there).

Instants are aware and in UTC; JSON columns keep their text exactly (a digest is computed from what is read
back, so nothing may reorder keys or rewrite numbers: plain JSON, never JSONB). The migrations in
``store/migrations/`` create what is declared here; a test holds the two together.
"""

from growth_pipelines.store.tables.actions import (
    ACTION_STATES,
    EXECUTION_STATUSES,
    Action,
    Batch,
    Execution,
    Flag,
    TaskCard,
    tie_break,
)
from growth_pipelines.store.tables.approvals import (
    REQUEST_STATUSES,
    Absence,
    ApprovalRequest,
    ApprovalVote,
    IdempotencyKey,
    PolicyVersion,
)
from growth_pipelines.store.tables.audit import AuditEvent, AuditHead
from growth_pipelines.store.tables.columns import Instant, Table
from growth_pipelines.store.tables.experiments import (
    EXPERIMENT_STATUSES,
    EXPERIMENT_UNITS,
    Experiment,
    ExperimentReading,
    ExperimentUnit,
    Exposure,
    UnitEvent,
)
from growth_pipelines.store.tables.learning import FeedbackSignal, RankingVersion, Showing
from growth_pipelines.store.tables.messages import Delivery, OutboxCursor, OutboxEntry
from growth_pipelines.store.tables.monitoring import EVENT_KINDS, INCIDENT_STATES, SEVERITIES, Incident, KnownEvent
from growth_pipelines.store.tables.operators import (
    ROLES,
    ApiToken,
    ChatLink,
    ConsoleSession,
    LinkCode,
    LoginFailure,
    OneTimeLink,
    Operator,
    UsedProof,
)
from growth_pipelines.store.tables.outcomes import ActionOutcome, ActionReturn

__all__ = [
    "ACTION_STATES",
    "EVENT_KINDS",
    "EXECUTION_STATUSES",
    "EXPERIMENT_STATUSES",
    "EXPERIMENT_UNITS",
    "INCIDENT_STATES",
    "REQUEST_STATUSES",
    "ROLES",
    "SEVERITIES",
    "Absence",
    "Action",
    "ActionOutcome",
    "ActionReturn",
    "ApiToken",
    "ApprovalRequest",
    "ApprovalVote",
    "AuditEvent",
    "AuditHead",
    "Batch",
    "ChatLink",
    "ConsoleSession",
    "Delivery",
    "Execution",
    "Experiment",
    "ExperimentReading",
    "ExperimentUnit",
    "Exposure",
    "FeedbackSignal",
    "Flag",
    "IdempotencyKey",
    "Incident",
    "Instant",
    "KnownEvent",
    "LinkCode",
    "LoginFailure",
    "OneTimeLink",
    "Operator",
    "OutboxCursor",
    "OutboxEntry",
    "PolicyVersion",
    "RankingVersion",
    "Showing",
    "Table",
    "TaskCard",
    "UnitEvent",
    "UsedProof",
    "tie_break",
]
