"""The tables of the first release."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KINDS: Final[dict[str, type[sa.types.TypeEngine[Any]]]] = {
    "text": sa.Text,
    "number": sa.BigInteger,
    "float": sa.Float,
    "flag": sa.Boolean,
}

# Each table: its primary key, then its columns with their kinds; "?" is for one that may be null.
_TABLES: Final = {
    "holdfast_account": (
        "account",
        "account:text tokens:number micros:number tokens_limit:number? micros_limit:number?",
    ),
    "holdfast_breaker": (
        "name",
        "name:text state:text failures:number until:float opened:float manual:flag reason:text passed:number probes:text",
    ),
    "holdfast_cachedreply": ("digest", "digest:text body:text at:float"),
    "holdfast_calibration": ("model", "model:text ratio:float"),
    "holdfast_effect": (
        "key",
        "key:text session:text seq:number turn:number agent:text tenant:text tool:text effect:text status:text arguments:text result:text by:text claimed:float settled:float token:text",
    ),
    "holdfast_identity": ("one", "one:number id:text created:float checked:float"),
    "holdfast_log": ("session seq", "session:text seq:number body:text"),
    "holdfast_manifest": ("session seq", "session:text seq:number body:text at:float"),
    "holdfast_outbox": (
        "id",
        "id:text tenant:text session:text at:float body:text answer:text applied:float claimed:float error:text app:text",
    ),
    "holdfast_rate": ("key", "key:text requests:float tokens:float at:float blocked:float"),
    "holdfast_reservation": (
        "account holder",
        "account:text holder:text tokens:number micros:number until:float",
    ),
    "holdfast_session": (
        "session",
        "session:text agent:text digest:text tenant:text status:text seq:number turns:number version:number input_tokens:number output_tokens:number cached_tokens:number cost:float created:float updated:float user:text erased:float",
    ),
    "holdfast_spec": ("digest", "digest:text body:text"),
    "holdfast_text": ("session id", "session:text id:text body:text"),
    "holdfast_turn": (
        "session turn",
        "session:text turn:number version:number status:text request:text reply:text reply_seq:number steps:number input_tokens:number output_tokens:number cached_tokens:number cost:float error_code:text error:text started:float ended:float",
    ),
}

_DEFAULTS: Final = {
    ("holdfast_outbox", "app"): "''",
    ("holdfast_session", "user"): "''",
    ("holdfast_session", "erased"): "0",
}

_INDEXES: Final = (
    ("ix_holdfast_effect_session", "holdfast_effect", "session seq", ""),
    ("ix_holdfast_effect_unsettled", "holdfast_effect", "status session seq key", "status <> 'settled'"),
    ("ix_holdfast_manifest_at", "holdfast_manifest", "at", ""),
    ("ix_holdfast_outbox_session", "holdfast_outbox", "session", ""),
    ("ix_holdfast_outbox_waiting", "holdfast_outbox", "at", "applied = 0"),
    ("ix_holdfast_session_erased", "holdfast_session", "erased", "erased > 0"),
    ("ix_holdfast_session_user", "holdfast_session", "tenant user", ""),
)


def upgrade() -> None:
    """Make the tables and their indexes."""
    for table, (key, columns) in _TABLES.items():
        made = [_column(table, each) for each in columns.split()]
        op.create_table(table, *made, sa.PrimaryKeyConstraint(*key.split(), name=f"pk_{table}"))
    for name, table, columns, condition in _INDEXES:
        where: dict[str, Any] = {
            f"{kind}_where": sa.text(condition) for kind in ("sqlite", "postgresql") if condition
        }
        op.create_index(name, table, columns.split(), **where)


def _column(table: str, described: str) -> sa.Column[Any]:
    name, kind = described.split(":")
    default = _DEFAULTS.get((table, name))
    nullable = kind.endswith("?")
    return sa.Column(
        name,
        _KINDS[kind.rstrip("?")](),
        nullable=nullable,
        server_default=None if default is None else sa.text(default),
    )
