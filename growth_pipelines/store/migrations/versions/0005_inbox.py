"""Read from indexes: what waits by priority, then age; what policies approved; the last event of a sort."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_approval_requests_status_priority_created_at_id",
        "approval_requests",
        ["status", "priority", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_actions_decided_channel_kind_decided_at",
        "actions",
        ["decided_channel", "kind", "decided_at"],
        unique=False,
    )
    op.create_index("ix_audit_events_event_seq", "audit_events", ["event", "seq"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_audit_events_event_seq", "audit_events")
    op.drop_index("ix_actions_decided_channel_kind_decided_at", "actions")
    op.drop_index("ix_approval_requests_status_priority_created_at_id", "approval_requests")
