"""The tables of the first release, as ``tables.py`` declares them.

The first change after a release adds a revision and turns this one into a fixed list of tables: otherwise a
new database would have the change before the revision that makes it, and the tests of migrations fail.
"""

from alembic import op

from holdfast_activities.state.setup.tables import METADATA

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and their indexes."""
    for table in METADATA.tables.values():
        for index in table.indexes:
            # Not in tables.py, where it would load the PostgreSQL dialect in every worker.
            where = index.dialect_options["sqlite"]["where"]
            if where is not None:
                index.dialect_options["postgresql"]["where"] = where
    METADATA.create_all(op.get_bind(), checkfirst=False)
