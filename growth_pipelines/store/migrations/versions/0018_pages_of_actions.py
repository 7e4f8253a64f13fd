"""How many visit the page of an action and where it stands in search, for the ranking to learn from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_NAMES = ("page_visits", "page_position")


def upgrade() -> None:
    for name in _NAMES:
        op.add_column("actions", sa.Column(name, sa.Double(), nullable=True))


def downgrade() -> None:
    for name in reversed(_NAMES):
        op.drop_column("actions", name)
