"""The tables of what all workers share: effects, accounts, breakers, rates, kept replies."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    _effects()
    _accounts()
    _circuits()
    op.create_table(
        "holdfast_rate",
        _text("key"),
        _float("requests"),
        _float("tokens"),
        _float("at"),
        _float("blocked"),
        _key("holdfast_rate", "key"),
    )
    op.create_table(
        "holdfast_kept", _text("digest"), _text("body"), _float("at"), _key("holdfast_kept", "digest")
    )


def _effects() -> None:
    op.create_table(
        "holdfast_effect",
        _text("key"),
        _text("session"),
        _number("seq"),
        _number("turn"),
        *map(_text, ("agent", "tenant", "tool", "effect", "status", "arguments", "result", "by")),
        _float("claimed"),
        _float("settled"),
        _text("token"),
        _key("holdfast_effect", "key"),
    )
    op.create_index("ix_holdfast_effect_session", "holdfast_effect", ["session", "seq"])


def _accounts() -> None:
    op.create_table(
        "holdfast_account",
        _text("account"),
        _number("tokens"),
        _number("micros"),
        _number("tokens_limit", nullable=True),
        _number("micros_limit", nullable=True),
        _key("holdfast_account", "account"),
    )
    op.create_table(
        "holdfast_hold",
        _text("account"),
        _text("holder"),
        _number("tokens"),
        _number("micros"),
        _float("until"),
        _key("holdfast_hold", "account", "holder"),
    )


def _circuits() -> None:
    op.create_table(
        "holdfast_circuit",
        _text("name"),
        _text("state"),
        _number("failures"),
        _float("until"),
        _float("opened"),
        sa.Column("manual", sa.Boolean(), nullable=False),
        _text("reason"),
        _number("passed"),
        _text("probes"),
        _key("holdfast_circuit", "name"),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _float(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")
