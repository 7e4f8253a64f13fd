"""The operational store: actions, approvals, audit, operators. SQLite by default, PostgreSQL by one setting."""
