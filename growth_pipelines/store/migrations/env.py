"""Alembic's entry: runs on the connection (and inside the transaction) that :mod:`..schema` hands over."""

from alembic import context

from growth_pipelines.store.schema import VERSION_TABLE
from growth_pipelines.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()
