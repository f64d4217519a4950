"""Alembic revisions of the tables.

Revisions only add tables, and columns with a default in the database, so that an older build keeps working
during a rollout and after a rollback.
"""

REVISIONS = ("0001",)
"""All revisions, oldest first; with these a start need not import Alembic to see that it is current."""

VERSION_TABLE = "holdfast_revision"
"""Alembic's version table; not its default, which an application in the same database may use."""
