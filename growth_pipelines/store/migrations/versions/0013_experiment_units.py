"""Experiments on units drawn before the start: what is declared of their kind, and which is in which arm."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("experiments", sa.Column("design", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("experiments", sa.Column("drawn", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "experiment_units",
        sa.Column("experiment_id", sa.String(36), nullable=False),
        sa.Column("unit_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("pair", sa.Integer(), nullable=True),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("traffic", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiments.id"], name="fk_experiment_units_experiment_id"),
        sa.PrimaryKeyConstraint("experiment_id", "unit_id", name="pk_experiment_units"),
    )


def downgrade() -> None:
    op.drop_table("experiment_units")
    op.drop_column("experiments", "drawn")
    op.drop_column("experiments", "design")
