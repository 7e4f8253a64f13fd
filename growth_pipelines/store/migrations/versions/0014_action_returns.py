"""What executed actions brought, summed by recommender and month."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    counts = ("actions", "measured", "waiting", "not_measurable", "overlapping")
    op.create_table(
        "action_returns",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("recommender", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("promised", "promised_in_all")),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("realised", "realised_low", "realised_high")),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "month", "recommender", name="pk_action_returns"),
    )


def downgrade() -> None:
    op.drop_table("action_returns")
