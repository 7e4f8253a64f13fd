"""The database refuses what the audit chain's first guard let pass: REPLACE, gaps, a head that goes back."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guard = Path(__file__).parents[1] / "sql" / f"audit_head_guard_{op.get_bind().dialect.name}.sql"
    for statement in guard.read_text(encoding="utf-8").split("-- next\n"):
        op.execute(statement)
