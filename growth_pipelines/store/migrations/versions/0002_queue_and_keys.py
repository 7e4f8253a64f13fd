"""Queue and lists are read from indexes, and answers to repeated requests are kept.

``tie_break`` orders actions of equal score; what it is made of lies in other columns, partly inside JSON, so no
index could serve the order before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from growth_pipelines.store.tables import Instant, tie_break

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INDEXES = (
    ("state", "recommender", "score", "tie_break", "id"),
    ("state", "score", "tie_break", "id"),
    ("kind", "score", "tie_break", "id"),
    ("score", "tie_break", "id"),
    ("state", "expires_at"),
    ("state", "updated_at", "id"),
    ("updated_at", "id"),
    ("decided_at",),
    ("resource_gid", "state"),
)


def upgrade() -> None:
    op.add_column("actions", sa.Column("tie_break", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    _fill()
    op.drop_index("ix_actions_state_score", "actions")
    for columns in INDEXES:
        op.create_index(f"ix_actions_{'_'.join(columns)}", "actions", list(columns), unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("operator", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["operator"], ["operators.name"], name="fk_idempotency_keys_operator"),
        sa.PrimaryKeyConstraint("operator", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)


def _fill() -> None:
    actions = sa.table(
        "actions",
        sa.column("id", sa.Text),
        sa.column("evidence", sa.JSON),
        sa.column("risk_tier", sa.Text),
        sa.column("created_at", Instant),
        sa.column("tie_break", sa.BigInteger),
    )
    bind = op.get_bind()
    found = bind.execute(
        sa.select(actions.c.id, actions.c.evidence, actions.c.risk_tier, actions.c.created_at)
    ).all()
    places = [
        {"key": row.id, "place": tie_break(row.evidence, row.risk_tier, row.created_at)}
        for row in found
        if row.evidence
    ]
    if places:
        change = actions.update().where(actions.c.id == sa.bindparam("key"))
        bind.execute(change.values(tie_break=sa.bindparam("place")), places)
