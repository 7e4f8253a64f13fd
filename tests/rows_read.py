"""What PostgreSQL read to answer, not what it gave back."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

_READ = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = :name"


def rows_read(session: Session, table: str) -> int:
    """Rows of a table that this transaction has read so far, by the server's own count.

    Those that its connection read within the last second before may be among them.
    """
    found = session.scalar(text(_READ), {"name": table})
    assert found is not None, f"nothing was read of {table}, or the server does not count"
    return int(found)
