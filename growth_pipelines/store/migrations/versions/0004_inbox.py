"""Requests that wait are read by priority, then age, and what policies approved by kind, from indexes."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
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


def downgrade() -> None:
    op.drop_index("ix_actions_decided_channel_kind_decided_at", "actions")
    op.drop_index("ix_approval_requests_status_priority_created_at_id", "approval_requests")
