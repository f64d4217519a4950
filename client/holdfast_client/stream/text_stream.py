"""What the model has said of one step, as shown so far: appended to, begun anew, completed; never mixed."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast_workflows.contracts.session import Partial

from .events import StreamEvent, TextDelta, TextRestart
from .snapshot import Thinking

_NOWHERE = (0, 0)


class StepText:
    """The text of the step that is spoken now, and the attempt it is of."""

    def __init__(self) -> None:
        self._position = _NOWHERE
        self._activity = ""
        self._attempt = 1
        self._text = ""

    def shown(self, position: tuple[int, int]) -> str:
        """What was shown of a step."""
        return self._text if position == self._position else ""

    def update(self, thinking: Thinking, partial: Partial) -> Iterator[StreamEvent]:
        """An attempt has said so much of a step."""
        if (partial.turn, partial.step) != self._position:
            self._position, self._text = (partial.turn, partial.step), ""
        elif (thinking.activity, thinking.attempt) != (self._activity, self._attempt):
            yield from self._restart(thinking.attempt, thinking.failure)
        self._activity, self._attempt = thinking.activity, thinking.attempt
        yield from self._append(partial.text)

    def retry(self, thinking: Thinking) -> Iterator[StreamEvent]:
        """A later attempt has begun, or waits to begin, and has said nothing yet."""
        if thinking.activity == self._activity and thinking.attempt > self._attempt:
            yield from self._restart(thinking.attempt, thinking.failure)
            self._attempt = thinking.attempt

    def complete(self, turn: int, step: int, text: str) -> Iterator[StreamEvent]:
        """A step has ended with this text; nothing that is still heard of it counts."""
        if (turn, step) != self._position:
            self._position, self._text = (turn, step), ""
        yield from self._append(text)
        self._position, self._text = _NOWHERE, ""

    def _append(self, text: str) -> Iterator[StreamEvent]:
        if not text.startswith(self._text):
            yield from self._restart(self._attempt, "")
        if more := text[len(self._text) :]:
            yield TextDelta(*self._position, more)
        self._text = text

    def _restart(self, attempt: int, reason: str) -> Iterator[StreamEvent]:
        if self._text:
            yield TextRestart(*self._position, attempt, reason)
        self._text = ""
