"""What executed actions did: one row an action, metric and horizon."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    numbers = ("baseline", "observed", "counterfactual", "effect", "effect_low", "effect_high", "shared_error")
    op.create_table(
        "action_outcomes",
        sa.Column("action_id", sa.String(36), nullable=False),
        sa.Column("metric", sa.String(16), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("is_promised", sa.Boolean(), nullable=False),
        sa.Column("skipped", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("outcome_class", sa.String(12), nullable=True),
        *(sa.Column(name, sa.Double(), nullable=True) for name in numbers),
        sa.Column("estimate", sa.Double(), nullable=True),
        sa.Column("controls", sa.Integer(), nullable=True),
        sa.Column("is_overlapping", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("measured_at", _AT, nullable=False),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name="fk_action_outcomes_action_id"),
        sa.PrimaryKeyConstraint("action_id", "metric", "horizon_days", name="pk_action_outcomes"),
    )
    op.create_index(
        "ix_action_outcomes_is_promised_outcome_class", "action_outcomes", ["is_promised", "outcome_class"]
    )


def downgrade() -> None:
    op.drop_table("action_outcomes")
