"""Signals of decisions and edits, what was shown with which probability, versions of the ranking."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "feedback_signals",
        sa.Column("source", sa.String(48), nullable=False),
        sa.Column("action_id", sa.String(36), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("decision", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("by_policy", sa.Boolean(), nullable=False),
        sa.Column("hours_to_decide", sa.Double(), nullable=True),
        sa.Column("category", sa.String(12), nullable=True),
        sa.Column("distance", sa.Double(), nullable=True),
        sa.Column("words", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name="fk_feedback_signals_action_id"),
        sa.PrimaryKeyConstraint("source", name="pk_feedback_signals"),
    )
    op.create_index("ix_feedback_signals_at", "feedback_signals", ["at"])
    op.create_table(
        "showings",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("ranking_version", sa.Text(), nullable=False),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("explored", sa.String(36), nullable=True),
        sa.Column("pool", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_showings"),
    )
    op.create_index("ix_showings_at", "showings", ["at"])
    op.create_table(
        "ranking_versions",
        sa.Column("version", sa.String(48), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("gate", sa.JSON(), nullable=True),
        sa.Column("changed_at", _AT, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('proposed', 'active', 'retired')", name=op.f("ck_ranking_versions_status")),
        sa.PrimaryKeyConstraint("version", name="pk_ranking_versions"),
    )


def downgrade() -> None:
    op.drop_table("ranking_versions")
    op.drop_table("showings")
    op.drop_table("feedback_signals")
