"""Run by Alembic: brings the database behind the given connection to a revision."""

from alembic import context

from holdfast_activities.state.migrations import VERSION_TABLE
from holdfast_activities.state.setup.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
