"""Executed actions are found without reading those that wait: their outcomes and returns are asked for by page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_EXECUTED = sa.text("executed_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_actions_executed_at",
        "actions",
        ["executed_at"],
        sqlite_where=_EXECUTED,
        postgresql_where=_EXECUTED,
    )


def downgrade() -> None:
    op.drop_index("ix_actions_executed_at", "actions")
