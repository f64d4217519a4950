"""The tables of memory and context: manifests, the outbox, token ratios; whom a session is with, and its erasure."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    _sessions()
    op.create_table(
        "holdfast_manifest",
        _text("session"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        _text("body"),
        _float("at"),
        _key("holdfast_manifest", "session", "seq"),
    )
    op.create_index("ix_holdfast_manifest_at", "holdfast_manifest", ["at"])
    _outbox()
    op.create_table("holdfast_ratio", _text("model"), _float("ratio"), _key("holdfast_ratio", "model"))


def _sessions() -> None:
    table = "holdfast_session"
    op.add_column(table, sa.Column("user", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column(table, sa.Column("erased", sa.Float(), nullable=False, server_default=sa.text("0")))
    op.create_index("ix_holdfast_session_user", table, ["tenant", "user"])
    op.create_index("ix_holdfast_session_erased", table, ["erased"], **_where("erased > 0"))


def _outbox() -> None:
    table = "holdfast_outbox"
    op.create_table(
        table,
        _text("id"),
        _text("tenant"),
        _text("session"),
        _float("at"),
        _text("body"),
        _text("answer"),
        _float("applied"),
        _float("claimed"),
        _text("error"),
        _key(table, "id"),
    )
    op.create_index("ix_holdfast_outbox_waiting", table, ["at"], **_where("applied = 0"))
    op.create_index("ix_holdfast_outbox_session", table, ["session"])


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _float(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")
