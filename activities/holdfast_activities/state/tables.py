"""The tables. They are kept apart from the tables of an application that uses SQLModel too.

The log is written and read by the statements in ``sqlite`` and ``postgres``.
"""

from sqlalchemy import BigInteger, MetaData, Text
from sqlalchemy.orm import declared_attr, registry
from sqlmodel import Field, SQLModel

METADATA = MetaData(naming_convention={"pk": "pk_%(table_name)s"})


class _Table(SQLModel, registry=registry(metadata=METADATA)):
    """The base of every table. ``LogTable`` is ``holdfast_log``, and so on."""

    @declared_attr.directive
    @classmethod
    def __tablename__(cls) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - SQLModel's own is untyped
        return "holdfast_" + cls.__name__.removesuffix("Table").lower()


class LogTable(_Table, table=True):
    """Log entries. ``body`` is the entry as JSON."""

    session: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    body: str = Field(sa_type=Text)


class SessionTable(_Table, table=True):
    """Session snapshots. ``version`` counts the changes; ``created`` and ``updated`` are seconds since 1970, UTC."""

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


class TurnTable(_Table, table=True):
    """Turns. ``version`` is the session's after the change that wrote the turn."""

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
