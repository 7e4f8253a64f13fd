"""Alembic's migrations of the operational store."""
