"""An index of the effects that are not settled, which operators look for over all sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UNSETTLED = sa.text("status <> 'settled'")


def upgrade() -> None:
    """Add it."""
    op.create_index(
        "ix_holdfast_effect_unsettled",
        "holdfast_effect",
        ["status", "session", "seq", "key"],
        sqlite_where=_UNSETTLED,
        postgresql_where=_UNSETTLED,
    )
