"""What experiments read at each look, one row a day: pages show it, a decision freezes what was shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from growth_pipelines.store.tables import Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "experiment_readings",
        sa.Column("experiment_id", sa.String(36), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("reading", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name="fk_experiment_readings_experiment_id"
        ),
        sa.PrimaryKeyConstraint("experiment_id", "day", name="pk_experiment_readings"),
    )


def downgrade() -> None:
    op.drop_table("experiment_readings")
