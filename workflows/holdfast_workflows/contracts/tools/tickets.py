"""Tickets: tool calls whose result comes later, from another system or from the client."""

import hashlib
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Final, Literal

from pydantic import Field, field_validator

from ..agent.declared import Declared
from ..base import Contract
from ..control.inbox import DEFAULT_DEADLINE, OpenTicket
from ..errors import ToolFailed
from ..limits import MAX_NAME
from ..public import public

LONGEST_DEADLINE: Final = 366 * 86_400.0
"""Seconds that a ticket may wait."""


@public
class Ticket(Declared):
    """What a tool returns if the call's result comes later. The session waits for it and holds no worker.

    ``what`` says what the session waits for; people read it. ``reference`` is the other system's name for the work.
    Without a result after ``deadline`` (seconds or a timedelta; a day by default) the call fails, or, with
    ``effect="once"``, a person decides what happened.
    """

    what: str = Field(default="", max_length=500)
    reference: str = Field(default="", max_length=500)
    deadline: float = Field(default=DEFAULT_DEADLINE, gt=0, le=LONGEST_DEADLINE)

    @field_validator("deadline", mode="before")
    @classmethod
    def _seconds(cls, value: Any) -> Any:
        return value.total_seconds() if isinstance(value, timedelta) else value


class TicketOpened(ToolFailed, retryable=False):
    """The call has no result yet: its function returned a ticket."""

    def __init__(self, ticket: Ticket, *, client: bool = False, arguments: str = "") -> None:
        super().__init__(
            "a Ticket is no result here: only calls that are not inline, and no undo, can return one"
        )
        self.ticket = ticket
        self.client = client
        self.arguments = arguments

    def opened(self, token: str) -> OpenTicket:
        """Return what the session keeps of the ticket; ``token`` is the token's digest."""
        given = self.ticket
        return OpenTicket(
            what=given.what,
            reference=given.reference,
            deadline=given.deadline,
            client=self.client,
            token=token,
            arguments=self.arguments,
        )


class Settlement(Contract):
    """The result of a ticket: ``text``, or ``ref`` to a stored one. With ``failed`` it is the reason of the failure."""

    # First, since the Temporal UI shows the beginning of an update's input.
    ticket: str = Field(max_length=2 * MAX_NAME)
    status: Literal["ok", "failed"] = "ok"
    text: str = ""
    ref: str = Field(default="", max_length=MAX_NAME)
    by: str = Field(default="", max_length=MAX_NAME)
    """Who or what gives the result; where principals are verified, theirs replaces it."""
    token: str = Field(default="", max_length=2_000)
    """The ticket's token, which gives the right to settle the ticket."""


class TicketToken:
    """The token of the present call, made when the tool asks for it."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make
        self._made = ""

    def __call__(self) -> str:
        """Return the token."""
        self._made = self._made or self._make()
        return self._made

    @property
    def digest(self) -> str:
        """The token's digest; empty if the tool did not ask for it."""
        return digest_of(self._made) if self._made else ""


TOKEN: Final[ContextVar[TicketToken | None]] = ContextVar("TOKEN", default=None)
"""Makes the token of the present call."""


def digest_of(token: str) -> str:
    """Return the digest by which a session knows the token of a ticket."""
    return hashlib.sha256(token.encode()).hexdigest()
