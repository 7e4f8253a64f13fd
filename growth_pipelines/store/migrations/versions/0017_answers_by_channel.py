"""What policies approved today is counted without reading every action of a kind."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INDEX = "ix_approval_requests_channel_decided_at"


def upgrade() -> None:
    op.create_index(_INDEX, "approval_requests", ["channel", "decided_at"])


def downgrade() -> None:
    op.drop_index(_INDEX, "approval_requests")
