"""Sessions that hold only behind the proxy that began them, also after a proof of one's own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sessions", sa.Column("behind_proxy", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.execute(sa.text("UPDATE sessions SET behind_proxy = (how = 'proxy')"))


def downgrade() -> None:
    op.drop_column("sessions", "behind_proxy")
