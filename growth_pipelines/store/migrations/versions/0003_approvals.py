"""Approvals by several people, under versioned policies, through chats and tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_ID = sa.String(length=36)
_HASH = sa.String(length=64)
_NAME = sa.String(length=64)


def upgrade() -> None:
    op.add_column("approval_requests", sa.Column("terms", sa.JSON(), nullable=True))
    for name in ("remind_at", "reminded_at", "escalated_at"):
        op.add_column("approval_requests", sa.Column(name, _AT, nullable=True))
    op.add_column(
        "approval_requests", sa.Column("policy_version", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )
    op.create_index("ix_approval_requests_status_remind_at", "approval_requests", ["status", "remind_at"])
    op.create_index("ix_approval_requests_decided_at", "approval_requests", ["decided_at"])
    for name in ("password_hash", "totp_secret"):
        op.add_column("operators", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("operators", sa.Column("totp_step", sa.BigInteger(), nullable=True))
    _votes_and_policies()
    _tokens_and_chats()
    _deliveries()


def _votes_and_policies() -> None:
    op.create_table(
        "approval_votes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("operator", _NAME, nullable=False),
        sa.Column("digest", _HASH, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("audit_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["approval_requests.id"], name="fk_approval_votes_request_id"),
        sa.ForeignKeyConstraint(["operator"], ["operators.name"], name="fk_approval_votes_operator"),
        sa.PrimaryKeyConstraint("id", name="pk_approval_votes"),
        sa.UniqueConstraint("request_id", "operator", name="uq_approval_votes_request_id_operator"),
    )
    op.create_table(
        "policy_versions",
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("digest", _HASH, nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("saved_at", _AT, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_policy_versions"),
    )
    op.create_table(
        "absences",
        sa.Column("id", _ID, nullable=False),
        sa.Column("operator", _NAME, nullable=False),
        sa.Column("delegate", _NAME, nullable=False),
        sa.Column("begins_at", _AT, nullable=False),
        sa.Column("ends_at", _AT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.ForeignKeyConstraint(["operator"], ["operators.name"], name="fk_absences_operator"),
        sa.ForeignKeyConstraint(["delegate"], ["operators.name"], name="fk_absences_delegate"),
        sa.PrimaryKeyConstraint("id", name="pk_absences"),
    )
    op.create_index("ix_absences_operator_begins_at", "absences", ["operator", "begins_at"])


def _tokens_and_chats() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", _ID, nullable=False),
        sa.Column("token_hash", _HASH, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("operator", _NAME, nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.Column("last_used_at", _AT, nullable=True),
        sa.Column("revoked_at", _AT, nullable=True),
        sa.ForeignKeyConstraint(["operator"], ["operators.name"], name="fk_api_tokens_operator"),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
    )
    op.create_table(
        "chat_links",
        sa.Column("user_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("operator", _NAME, nullable=False),
        sa.Column("linked_at", _AT, nullable=False),
        sa.Column("muted_until", _AT, nullable=True),
        sa.ForeignKeyConstraint(["operator"], ["operators.name"], name="fk_chat_links_operator"),
        sa.PrimaryKeyConstraint("user_id", name="pk_chat_links"),
    )
    op.create_index("ix_chat_links_operator", "chat_links", ["operator"])
    op.create_table(
        "link_codes",
        sa.Column("code_hash", _HASH, nullable=False),
        sa.Column("operator", _NAME, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.Column("used_at", _AT, nullable=True),
        sa.ForeignKeyConstraint(["operator"], ["operators.name"], name="fk_link_codes_operator"),
        sa.PrimaryKeyConstraint("code_hash", name="pk_link_codes"),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", _ID, nullable=False),
        sa.Column("action_id", _ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("sent_at", _AT, nullable=False),
        sa.Column("edited_at", _AT, nullable=True),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name="fk_deliveries_action_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("channel", "chat_id", "message_id", name="uq_deliveries_channel_chat_id_message_id"),
    )
    op.create_index("ix_deliveries_action_id_shown", "deliveries", ["action_id", "shown"])
    op.create_table(
        "outbox_cursors",
        sa.Column("listener", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("listener", name="pk_outbox_cursors"),
    )
