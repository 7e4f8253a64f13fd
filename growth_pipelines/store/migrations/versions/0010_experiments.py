"""Experiments: their register, who met which arm first, and what units did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from growth_pipelines.store.tables import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "experiments",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("hypothesis", sa.Text(), nullable=False),
        sa.Column("unit", sa.String(20), nullable=False),
        sa.Column("primary_metric", sa.Text(), nullable=False),
        sa.Column("metric_kind", sa.Text(), nullable=False),
        sa.Column("increase_is_good", sa.Boolean(), nullable=False),
        sa.Column("guardrails", sa.JSON(), nullable=False),
        sa.Column("arms", sa.JSON(), nullable=False),
        sa.Column("baseline", sa.Double(), nullable=False),
        sa.Column("minimum_effect", sa.Double(), nullable=False),
        sa.Column("power", sa.Double(), nullable=False),
        sa.Column("planned_units", sa.BigInteger(), nullable=False),
        sa.Column("planned_days", sa.Integer(), nullable=False),
        sa.Column("pre_days", sa.Integer(), nullable=False),
        sa.Column("outcome_days", sa.Integer(), nullable=False),
        sa.Column("coverage", sa.Double(), nullable=False),
        sa.Column("coverage_goal", sa.Double(), nullable=False),
        sa.Column("coverage_at", Instant(), nullable=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("decision", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("promoted", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'running', 'paused', 'stopped', 'decided')", name="status"),
        sa.CheckConstraint("unit IN ('visitor', 'customer', 'page', 'time_slice')", name="unit"),
        sa.PrimaryKeyConstraint("id", name="pk_experiments"),
        sa.UniqueConstraint("key", name="uq_experiments_key"),
    )
    op.create_index("ix_experiments_status_created_at", "experiments", ["status", "created_at"])
    op.create_table(
        "exposures",
        sa.Column("experiment_id", sa.String(36), nullable=False),
        sa.Column("unit_id", sa.String(64), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("exposed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiments.id"], name="fk_exposures_experiment_id"),
        sa.PrimaryKeyConstraint("experiment_id", "unit_id", name="pk_exposures"),
    )
    op.create_table(
        "unit_events",
        sa.Column("unit_id", sa.String(64), nullable=False),
        sa.Column("metric", sa.String(32), nullable=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "metric", "event_id", name="pk_unit_events"),
    )


def downgrade() -> None:
    op.drop_table("unit_events")
    op.drop_table("exposures")
    op.drop_table("experiments")
