"""Requests that wait are read by priority, then age, from an index."""

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


def downgrade() -> None:
    op.drop_index("ix_approval_requests_status_priority_created_at_id", "approval_requests")
