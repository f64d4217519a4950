"""The tables, in their own metadata, apart from an application's SQLModel tables.

The log and its extras are written by the statements in ``state/log``.
"""

from typing import Any

from sqlalchemy import BigInteger, Index, MetaData, Text, text
from sqlalchemy.orm import declared_attr, registry
from sqlmodel import Field, SQLModel

METADATA = MetaData(naming_convention={"pk": "pk_%(table_name)s"})


class _Table(SQLModel, registry=registry(metadata=METADATA)):
    """The base of every table. ``LogTable`` is ``holdfast_log``, and so on."""

    @declared_attr.directive
    @classmethod
    def __tablename__(cls) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - SQLModel's own is untyped
        return "holdfast_" + cls.__name__.removesuffix("Table").lower()


def _where(condition: str) -> dict[str, Any]:
    """The rows of a partial index; the migration adds the same condition for PostgreSQL."""
    return {"sqlite_where": text(condition)}


UNSETTLED = "status <> 'settled'"
"""The condition of the index of effects by status; a query repeats it literally."""


class LogTable(_Table, table=True):
    """Log entries. ``body`` is the entry as JSON."""

    session: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    body: str = Field(sa_type=Text)


class SessionTable(_Table, table=True):
    """Session snapshots. ``version`` counts the changes; ``created``, ``updated`` and ``erased`` are seconds since
    1970, UTC. An erased one is otherwise empty; ``erased`` is 0 for the others.
    """

    __table_args__ = (
        Index("ix_holdfast_session_user", "tenant", "user"),
        Index("ix_holdfast_session_erased", "erased", **_where("erased > 0")),
    )

    session: str = Field(primary_key=True, sa_type=Text)
    agent: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    tenant: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    seq: int = Field(sa_type=BigInteger)
    turns: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)
    input_tokens: int = Field(sa_type=BigInteger)
    output_tokens: int = Field(sa_type=BigInteger)
    cached_tokens: int = Field(sa_type=BigInteger)
    cost: float
    created: float
    updated: float
    user: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": text("''")})
    erased: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})


class TurnTable(_Table, table=True):
    """Turns. ``version`` is the session's after the change that wrote the turn."""

    __table_args__ = (Index("ix_holdfast_turn_ended", "ended"),)

    session: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True, sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)
    status: str = Field(sa_type=Text)
    request: str = Field(sa_type=Text)
    reply: str = Field(sa_type=Text)
    reply_seq: int = Field(sa_type=BigInteger)
    steps: int = Field(sa_type=BigInteger)
    input_tokens: int = Field(sa_type=BigInteger)
    output_tokens: int = Field(sa_type=BigInteger)
    cached_tokens: int = Field(sa_type=BigInteger)
    cost: float
    error_code: str = Field(sa_type=Text)
    error: str = Field(sa_type=Text)
    started: float
    ended: float


class SpecTable(_Table, table=True):
    """Compiled agent specs. ``body`` is JSON."""

    digest: str = Field(primary_key=True, sa_type=Text)
    body: str = Field(sa_type=Text)


class TextTable(_Table, table=True):
    """Large texts. ``body`` is the text as a JSON string."""

    session: str = Field(primary_key=True, sa_type=Text)
    id: str = Field(primary_key=True, sa_type=Text)
    body: str = Field(sa_type=Text)


class EffectTable(_Table, table=True):
    """The effect ledger: an EffectView and the ``token`` of its claim."""

    __table_args__ = (
        Index("ix_holdfast_effect_session", "session", "seq"),
        # Nearly all effects are settled, most from the start: those do not enter this index.
        Index("ix_holdfast_effect_unsettled", "status", "session", "seq", "key", **_where(UNSETTLED)),
    )

    key: str = Field(primary_key=True, sa_type=Text)
    session: str = Field(sa_type=Text)
    seq: int = Field(sa_type=BigInteger)
    turn: int = Field(sa_type=BigInteger)
    agent: str = Field(sa_type=Text)
    tenant: str = Field(sa_type=Text)
    tool: str = Field(sa_type=Text)
    effect: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    arguments: str = Field(sa_type=Text)
    result: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    claimed: float
    settled: float
    token: str = Field(sa_type=Text)


class AccountTable(_Table, table=True):
    """Spending of each account. The limits are those of the last charge, for display."""

    account: str = Field(primary_key=True, sa_type=Text)
    tokens: int = Field(sa_type=BigInteger)
    micros: int = Field(sa_type=BigInteger)
    tokens_limit: int | None = Field(sa_type=BigInteger)
    micros_limit: int | None = Field(sa_type=BigInteger)


class CostTable(_Table, table=True):
    """What model calls cost, by session and hour (since 1970, UTC). The user is empty once the session is erased.

    ``app`` is the app of the calls in a shared database. The other columns are those of a ModelCost.
    """

    __table_args__ = (Index("ix_holdfast_cost_hour", "hour", "tenant"),)

    session: str = Field(primary_key=True, sa_type=Text)
    hour: int = Field(primary_key=True, sa_type=BigInteger)
    agent: str = Field(primary_key=True, sa_type=Text)
    model: str = Field(primary_key=True, sa_type=Text)
    tool: str = Field(primary_key=True, sa_type=Text)
    tenant: str = Field(sa_type=Text)
    user: str = Field(sa_type=Text)
    app: str = Field(sa_type=Text)
    model_calls: int = Field(sa_type=BigInteger)
    tool_calls: int = Field(sa_type=BigInteger)
    input_tokens: int = Field(sa_type=BigInteger)
    output_tokens: int = Field(sa_type=BigInteger)
    cached_tokens: int = Field(sa_type=BigInteger)
    unpriced_tokens: int = Field(sa_type=BigInteger)
    micros: int = Field(sa_type=BigInteger)


class ReservationTable(_Table, table=True):
    """What each holder has reserved on an account, until it expires."""

    account: str = Field(primary_key=True, sa_type=Text)
    holder: str = Field(primary_key=True, sa_type=Text)
    tokens: int = Field(sa_type=BigInteger)
    micros: int = Field(sa_type=BigInteger)
    until: float


class BreakerTable(_Table, table=True):
    """Breakers: a BreakerView, the number of probes ``passed``, and as JSON the start of each in flight by token."""

    name: str = Field(primary_key=True, sa_type=Text)
    state: str = Field(sa_type=Text)
    failures: int = Field(sa_type=BigInteger)
    until: float
    opened: float
    manual: bool
    reason: str = Field(sa_type=Text)
    passed: int = Field(sa_type=BigInteger)
    probes: str = Field(sa_type=Text)


class RateTable(_Table, table=True):
    """The bucket of each key at the time ``at``, and the end of its block."""

    key: str = Field(primary_key=True, sa_type=Text)
    requests: float
    tokens: float
    at: float
    blocked: float


class QuotaTable(_Table, table=True):
    """Places taken of counted permissions. ``account`` is a digest, ``key`` the call's; each call has one place."""

    __table_args__ = (
        Index("ix_holdfast_quota_key", "account", "key", unique=True),
        Index("ix_holdfast_quota_at", "at"),
    )

    account: str = Field(primary_key=True, sa_type=Text)
    place: int = Field(primary_key=True, sa_type=BigInteger)
    key: str = Field(sa_type=Text)
    at: float


class BoardTable(_Table, table=True):
    """Every version of each entry of a board; the highest is the present one. ``body`` is its text as a JSON string,
    ``size`` the text's length; a removed entry has none. ``session``, ``agent`` and ``call`` wrote it.
    """

    __table_args__ = (
        Index("ix_holdfast_board_session", "session"),
        Index("ix_holdfast_board_at", "at"),
    )

    board: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    version: int = Field(primary_key=True, sa_type=BigInteger)
    body: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigInteger)
    tenant: str = Field(sa_type=Text)
    session: str = Field(sa_type=Text)
    agent: str = Field(sa_type=Text)
    call: str = Field(sa_type=Text)
    at: float


class CachedReplyTable(_Table, table=True):
    """Cached replies by the digest of their prompts. ``body`` is the ReplyEntry as JSON."""

    digest: str = Field(primary_key=True, sa_type=Text)
    body: str = Field(sa_type=Text)
    at: float


class ManifestTable(_Table, table=True):
    """How the prompts of model calls were made. ``body`` is a Manifest as JSON."""

    __table_args__ = (Index("ix_holdfast_manifest_at", "at"),)

    session: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    body: str = Field(sa_type=Text)
    at: float


class OutboxTable(_Table, table=True):
    """Memory changes on their way to the store. ``body`` is a Change as JSON, empty once applied; a worker has
    it until ``claimed``. ``app`` is the app whose workers apply it in a shared database.
    """

    __table_args__ = (
        Index("ix_holdfast_outbox_waiting", "at", **_where("applied = 0")),
        Index("ix_holdfast_outbox_session", "session"),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    tenant: str = Field(sa_type=Text)
    session: str = Field(sa_type=Text)
    at: float
    body: str = Field(sa_type=Text)
    answer: str = Field(sa_type=Text)
    applied: float
    claimed: float
    error: str = Field(sa_type=Text)
    app: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": text("''")})


class CalibrationTable(_Table, table=True):
    """The ratio by which token estimates of a model are multiplied."""

    model: str = Field(primary_key=True, sa_type=Text)
    ratio: float


class ApprovalTable(_Table, table=True):
    """Used approvals: the nonce of each, with the key of the call that it allowed."""

    nonce: str = Field(primary_key=True, sa_type=Text)
    call: str = Field(sa_type=Text)
    used: float


class AuditTable(_Table, table=True):
    """The audit log: a chain for each tenant. ``body`` is the record as canonical JSON; ``hash`` covers it, ``n`` and
    the hash of record ``n - 1``. The other columns repeat parts of the body. The database refuses changes of rows.
    """

    __table_args__ = (
        Index("ix_holdfast_audit_id", "tenant", "id", unique=True),
        Index("ix_holdfast_audit_session", "session"),
        Index("ix_holdfast_audit_at", "at"),
    )

    tenant: str = Field(primary_key=True, sa_type=Text)
    n: int = Field(primary_key=True, sa_type=BigInteger)
    id: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    session: str = Field(sa_type=Text)
    principal: str = Field(sa_type=Text)
    at: float
    body: str = Field(sa_type=Text)
    hash: str = Field(sa_type=Text)


class AuditHeadTable(_Table, table=True):
    """The last number and hash of each tenant's chain, signed by ``key``; ``exported`` is the last number exported."""

    tenant: str = Field(primary_key=True, sa_type=Text)
    n: int = Field(sa_type=BigInteger)
    hash: str = Field(sa_type=Text)
    key: str = Field(sa_type=Text)
    signature: str = Field(sa_type=Text)
    exported: int = Field(sa_type=BigInteger)


class AssignmentTable(_Table, table=True):
    """Turns of sessions whose agent has a Routing: those that wait for an agent, run, or have ended.

    ``agent`` is the agent that serves it, or is the first choice while it waits; ``agents`` are, as JSON, all that it
    waits for. ``at`` is when it began to wait or to run, ``checked`` when its session was last known to need its
    place. ``ended`` is 0 before the end.
    """

    __table_args__ = (
        Index("ix_holdfast_assignment_open", "status", **_where("ended = 0")),
        Index("ix_holdfast_assignment_session", "session", **_where("ended = 0")),
        Index("ix_holdfast_assignment_ended", "ended", "agent"),
    )

    session: str = Field(primary_key=True, sa_type=Text)
    turn: int = Field(primary_key=True, sa_type=BigInteger)
    agent: str = Field(sa_type=Text)
    agents: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    priority: int = Field(sa_type=BigInteger)
    at: float
    checked: float
    ended: float


class RetentionTable(_Table, table=True):
    """How many days a tenant's content of a kind is kept; ``days`` is null for no limit, tenant ``*`` for all others."""

    tenant: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(primary_key=True, sa_type=Text)
    days: float | None
    by: str = Field(sa_type=Text)
    at: float


class HoldTable(_Table, table=True):
    """Legal holds. ``subject`` is a session's or a user's id, empty for a tenant."""

    id: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    tenant: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: float


class RemovalTable(_Table, table=True):
    """What retention removed of sessions, and when. ``tenant`` is the session's, whose row may be empty now."""

    session: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(primary_key=True, sa_type=Text)
    tenant: str = Field(sa_type=Text)
    at: float


class IdentityTable(_Table, table=True):
    """The one row with the database's identity, which its copies share.

    ``checked`` is when a worker last wrote to the database as a check.
    """

    one: int = Field(primary_key=True, sa_type=BigInteger)
    id: str = Field(sa_type=Text)
    created: float
    checked: float
