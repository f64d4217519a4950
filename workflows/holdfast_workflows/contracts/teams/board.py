"""Boards: texts that the agents of a team share, each with a version that every change raises."""

from pydantic import Field

from ..base import Contract
from ..limits import MAX_BOARD_TEXT
from ..public import public

KEY = r"^[A-Za-z0-9][A-Za-z0-9_./:-]{0,99}$"
"""Keys are not encrypted, so they are short names."""

NAME = r"^[A-Za-z0-9_-]{0,64}$"
"""Names of boards, without a colon: the stored name of a tenant's board has its tenant before one."""

MOST_READ = 20
"""Most entries that a model reads in one call."""


@public
class BoardEntry(Contract):
    """A version of an entry of a board. A text that was not read, or is removed, is empty; ``size`` is its length.

    ``session`` and ``agent`` wrote it at the time ``at``, in seconds since 1970, UTC.
    """

    text: str = ""
    """First for people who read histories."""
    key: str
    version: int
    size: int = 0
    agent: str = ""
    session: str = ""
    at: float = 0.0


class ReadBoard(Contract):
    """Read a board: without a key the entries without their texts, with a key its versions, the newest first."""

    key: str = ""
    session: str = ""
    """The first session of the tree whose board it is."""
    board: str = Field(default="", pattern=NAME)
    """The name of a tenant's board."""
    tenant: str = ""
    limit: int = Field(default=1, ge=1, le=100)


class BoardPage(Contract):
    """Entries of a board."""

    entries: tuple[BoardEntry, ...] = ()


class WriteBoard(Contract):
    """Write an entry of a board as a person or a program; ``id`` makes the write unique."""

    text: str = Field(max_length=MAX_BOARD_TEXT)
    key: str = Field(pattern=KEY)
    version: int = Field(ge=0)
    id: str = Field(min_length=1)
    session: str = ""
    board: str = Field(default="", pattern=NAME)
    tenant: str = ""
    by: str = ""
