"""Forks: sessions that take a step of another session again, with recorded results and without effects."""

from typing import Final, Literal

from pydantic import Field

from ..agent.budget import Budget
from ..base import Contract
from ..limits import MAX_INSTRUCTIONS, MAX_NAME
from ..permissions.rules import Permissions
from ..public import public

Reads = Literal["live", "recorded"]
"""How a fork makes calls without effects that the other session has not made: ``live`` calls the tool, ``recorded``
does not."""

NOT_CARRIED_OUT = (
    "not carried out: this is a trial, in which calls have no effect. Go on as if the call had succeeded; its result is "
    "not known."
)
"""The result of a call that a fork does not make."""


_FENCED: Final = "fenced:"


def fenced_digest(digest: str) -> str:
    """Return the digest by which a fork's activities name their spec.

    A worker of a build without the fence ignores ``fork`` in a call, and would make it. It finds no spec by this
    digest, so it fails every step and call of a fork. A later fence that older builds must not replace gets another
    prefix.
    """
    return _FENCED + digest


def stored_digest(digest: str) -> str:
    """Return the digest under which the spec is stored."""
    return digest.removeprefix(_FENCED)


@public
class ForkSource(Contract):
    """Where a fork finds recorded results: the entries from ``seq`` on of a turn of another session.

    The fork has copies of the entries before ``seq``, under the same numbers.
    """

    session: str
    turn: int
    seq: int
    reads: Reads = "live"


class Fork(Contract):
    """What a fork begins with: the agent's spec by its ``digest``, and the state of the turn before ``step``."""

    source: ForkSource
    step: int
    digest: str
    request: str = ""
    """The beginning of the turn's message."""
    start: int = 0
    """The number of the turn's first entry in the log."""
    summary: int = 0
    """The number of the newest summary before the step."""
    called: dict[str, int] = Field(default_factory=dict)
    """Calls before the step, by tool."""
    called_in_turn: dict[str, int] = Field(default_factory=dict)
    untrusted: str = ""
    """The first source of untrusted content that the session had read."""
    grant: str = ""
    """A worker's statement that it has prepared the start; empty without an identity provider."""


class PrepareFork(Contract):
    """Find the step to take again, and store the spec with its changes.

    Without a ``turn`` the last one with such a step. ``current`` takes the agent as the worker's code has it, instead of
    as the session had it.
    """

    session: str
    fork: str = Field(max_length=MAX_NAME)
    """The id of the session to start."""
    step: int = Field(default=1, ge=1)
    turn: int | None = None
    model: str = ""
    instructions: str | None = Field(default=None, max_length=MAX_INSTRUCTIONS)
    current: bool = False
    reads: Reads = "live"


class PreparedFork(Contract):
    """The fork to start, with what the other session was started with, as far as that is known."""

    fork: Fork
    agent: str
    tenant: str = ""
    user: str = ""
    budget: Budget | None = None
    permissions: Permissions | None = None
    max_steps: int | None = None
