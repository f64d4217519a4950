"""The reply of a turn."""

from dataclasses import dataclass, field
from typing import Self

from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.problems import error_of
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import TurnView
from holdfast_workflows.contracts.session.steps import TurnStatus


@public
@dataclass(frozen=True)
class Reply:
    """The reply of a turn.

    Attributes:
        text: The model's full final text.
        turn: The turn, from 1.
        status: ``done``, ``failed`` or ``cancelled`` once the turn has ended.
        steps: Model calls taken.
        usage: Tokens, and cost in US dollars.
        seconds: How long the turn took.
        error: Set if the turn failed or was cancelled. Its ``id`` can be quoted by users; ``retryable``
            and ``retry_after`` say whether and when a retry may help.
        paused: Whether the session was paused when it queued the message; the turn begins after
            ``resume``.
    """

    text: str
    turn: int
    status: TurnStatus
    steps: int = 0
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    error: HoldfastError | None = None
    paused: bool = False

    @property
    def cost(self) -> float:
        """US dollars."""
        return self.usage.cost

    @classmethod
    def of(cls, view: TurnView, text: str) -> Self:
        """Make the reply from a turn's view and full text."""
        return cls(
            text=text,
            turn=view.turn,
            status=view.status,
            steps=view.steps,
            usage=view.usage,
            seconds=max(0.0, view.ended - view.started),
            error=error_of(view.error) if view.error else None,
        )

    def check(self) -> Self:
        """Return the reply; raise its error if the turn failed or was cancelled."""
        if self.error is not None:
            raise self.error
        return self

    def __str__(self) -> str:
        return self.text
