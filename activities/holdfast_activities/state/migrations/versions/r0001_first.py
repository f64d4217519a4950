"""The tables of the first release, as ``tables.py`` declares them.

The first change after a release adds a revision and turns this one into a fixed list of tables: otherwise a
new database would have the change before the revision that makes it, and the tests of migrations fail.
"""

from alembic import op

from holdfast_activities.state.setup.tables import METADATA

_REFUSED = "the audit log is append-only"

_SQLITE_TRIGGERS = tuple(
    f"""CREATE TRIGGER holdfast_audit_no_{change.lower()} BEFORE {change} ON holdfast_audit
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"""
    for change in ("UPDATE", "DELETE")
)

_POSTGRES_TRIGGERS = (
    f"""CREATE FUNCTION holdfast_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$""",
    """CREATE TRIGGER holdfast_audit_no_change BEFORE UPDATE OR DELETE ON holdfast_audit
    FOR EACH ROW EXECUTE FUNCTION holdfast_audit_refuse()""",
    """CREATE TRIGGER holdfast_audit_no_truncate BEFORE TRUNCATE ON holdfast_audit
    FOR EACH STATEMENT EXECUTE FUNCTION holdfast_audit_refuse()""",
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, their indexes, and triggers that refuse changes of audit records."""
    for table in METADATA.tables.values():
        for index in table.indexes:
            # Not in tables.py, where it would load the PostgreSQL dialect in every worker.
            where = index.dialect_options["sqlite"]["where"]
            if where is not None:
                index.dialect_options["postgresql"]["where"] = where
    connection = op.get_bind()
    METADATA.create_all(connection, checkfirst=False)
    # An owner of the tables can drop these, so they are not the proof; the chain of hashes is.
    for trigger in _POSTGRES_TRIGGERS if connection.dialect.name == "postgresql" else _SQLITE_TRIGGERS:
        connection.exec_driver_sql(trigger)
