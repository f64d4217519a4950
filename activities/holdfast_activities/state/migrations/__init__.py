"""The history of the tables, for Alembic.

Revisions only add: tables, and columns that have a default in the database. So a build
that is one revision behind goes on working while newer workers start beside it, and
after a release is taken back.
"""

REVISIONS = ("0001",)
"""Every revision, oldest first; so that a start can tell without loading Alembic that nothing is to be done."""

VERSION_TABLE = "holdfast_revision"
"""Where Alembic notes the revision; not its default, which an application in the same database may use."""
