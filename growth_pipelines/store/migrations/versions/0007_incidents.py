"""What got worse is an incident, whatever it was found by, and what people know of is an event.

The regressions of web vitals were kept in a table of their own. It goes: what is still worse is found again by
the next look, as an incident.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_NAME = sa.String(length=64)


def upgrade() -> None:
    op.drop_table("regressions")
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("family", sa.String(length=24), nullable=False),
        sa.Column("metric", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("direction", sa.String(length=4), nullable=False),
        sa.Column("cause", sa.String(length=24), nullable=False),
        sa.Column("severity", sa.String(length=12), nullable=False),
        *(sa.Column(name, sa.Date(), nullable=False) for name in ("since", "since_first", "since_last")),
        sa.Column("size", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("expected_on", sa.Date(), nullable=True),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("findings", "suspects", "history")),
        sa.Column("explained_by", sa.Text(), nullable=False),
        sa.Column("silenced_until", _AT, nullable=True),
        sa.Column("silenced_by", _NAME, nullable=True),
        sa.Column("silence_reason", sa.Text(), nullable=True),
        sa.Column("opened_at", _AT, nullable=False),
        sa.Column("seen_at", _AT, nullable=False),
        sa.Column("closed_at", _AT, nullable=True),
        sa.CheckConstraint("state IN ('open', 'escalated', 'closed')", name=op.f("ck_incidents_state")),
        sa.CheckConstraint(
            "level IN ('shop', 'template', 'page', 'product', 'stream')", name=op.f("ck_incidents_level")
        ),
        sa.CheckConstraint("severity IN ('medium', 'high', 'critical')", name=op.f("ck_incidents_severity")),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_state_opened_at", "incidents", ["state", "opened_at"])
    op.create_table(
        "known_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("created_by", _NAME, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('deploy', 'campaign', 'holiday', 'outage', 'price', 'other')",
            name=op.f("ck_known_events_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_known_events"),
    )
    op.create_index("ix_known_events_ends_on", "known_events", ["ends_on"])


def downgrade() -> None:
    op.drop_table("known_events")
    op.drop_table("incidents")
    op.create_table(
        "regressions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("detected_at", _AT, nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("page_key", "url", "form_factor", "metric", "cause")
        ),
        sa.Column("since", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("before", "after", "size", "p_value")),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.CheckConstraint("state IN ('open', 'recovered')", name=op.f("ck_regressions_state")),
        sa.PrimaryKeyConstraint("id", name="pk_regressions"),
        sa.UniqueConstraint(
            "page_key", "form_factor", "metric", "since", name="uq_regressions_page_key_form_factor_metric_since"
        ),
    )
