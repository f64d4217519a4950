"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the log, sessions, turns, specs and texts."""
    _log()
    _sessions()
    _turns()
    op.create_table("holdfast_spec", _text("digest"), _text("body"), _key("holdfast_spec", "digest"))
    op.create_table(
        "holdfast_text",
        _text("session"),
        _text("id"),
        _text("body"),
        _key("holdfast_text", "session", "id"),
    )


def _log() -> None:
    op.create_table(
        "holdfast_log",
        _text("session"),
        _number("seq"),
        _text("body"),
        _key("holdfast_log", "session", "seq"),
    )


def _sessions() -> None:
    op.create_table(
        "holdfast_session",
        _text("session"),
        _text("agent"),
        _text("digest"),
        _text("tenant"),
        _text("status"),
        _number("seq"),
        _number("turns"),
        _number("version"),
        *_usage(),
        _float("created"),
        _float("updated"),
        _key("holdfast_session", "session"),
    )


def _turns() -> None:
    op.create_table(
        "holdfast_turn",
        _text("session"),
        _number("turn"),
        _number("version"),
        _text("status"),
        _text("request"),
        _text("reply"),
        _number("reply_seq"),
        _number("steps"),
        *_usage(),
        _text("error_code"),
        _text("error"),
        _float("started"),
        _float("ended"),
        _key("holdfast_turn", "session", "turn"),
    )


def _usage() -> list[sa.Column[int] | sa.Column[float]]:
    return [_number("input_tokens"), _number("output_tokens"), _number("cached_tokens"), _float("cost")]


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _float(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")
