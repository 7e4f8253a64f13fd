"""How a browser was signed in, and when it was last seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("operators", sa.Column("seen_at", _AT, nullable=True))
    op.add_column(
        "sessions", sa.Column("how", sa.String(length=12), nullable=False, server_default=sa.text("'link'"))
    )
    op.add_column("sessions", sa.Column("agent", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("sessions", sa.Column("seen_at", _AT, nullable=True))
    op.create_index("ix_sessions_operator", "sessions", ["operator"])
