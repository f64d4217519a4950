"""Remote agents that are reached by A2A: where they are, and a task that one of them works on."""

from pydantic import Field

from ..base import Contract
from ..limits import MAX_NAME

MOST_TEXT = 200_000
"""Characters of a message to a remote agent."""


class A2aSettings(Contract):
    """A remote agent as a worker reaches it. Times are in seconds.

    ``private`` are networks that its host may be in. ``headers`` may contain secret references.
    """

    url: str
    allow: tuple[str, ...] = ()
    """Other origins that its card may name."""
    private: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    timeout: float = 3_600.0
    """For the whole task."""
    request_timeout: float = 30.0
    conversation: bool = False
    """Whether all calls of a session are one conversation."""
    max_bytes: int = 5_000_000
    ca_file: str = ""


class A2aArguments(Contract):
    """Arguments of a remote agent's tool."""

    message: str = Field(min_length=1, max_length=MOST_TEXT)


class RemoteTask(Contract):
    """A task of a remote agent that a call waits for; without an id it is not sent yet.

    ``since`` is when the call began, in seconds since 1970.
    """

    id: str = Field(default="", max_length=4 * MAX_NAME)
    context: str = Field(default="", max_length=4 * MAX_NAME)
    since: float = 0.0
    stop: bool = False
    """Whether the agent has to cancel it."""
    tries: int = 0
    """Attempts to send it that did not reach the agent."""
