"""Which database this is; whose app a change of memories is."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; the database gets its identity when it is first opened."""
    op.add_column(
        "holdfast_outbox", sa.Column("app", sa.Text(), nullable=False, server_default=sa.text("''"))
    )
    op.create_table(
        "holdfast_identity",
        sa.Column("one", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("checked", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("one", name="pk_holdfast_identity"),
    )
