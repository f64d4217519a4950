"""The text of one step as emitted so far, as deltas and restarts."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast_workflows.contracts.session.session import Partial

from .events import StreamEvent, TextDelta, TextRestart
from .snapshot import PendingModelCall

_NOWHERE = (0, 0)


class StepText:
    """The text of the current step and its attempt."""

    def __init__(self) -> None:
        self._position = _NOWHERE
        self._activity = ""
        self._attempt = 1
        self._text = ""

    def update(self, thinking: PendingModelCall, partial: Partial) -> Iterator[StreamEvent]:
        """Emit the new part of an attempt's text."""
        if (partial.turn, partial.step) != self._position:
            self._position, self._text = (partial.turn, partial.step), ""
        elif (thinking.activity, thinking.attempt) != (self._activity, self._attempt):
            yield from self._restart(thinking.attempt, thinking.failure)
        self._activity, self._attempt = thinking.activity, thinking.attempt
        yield from self._append(partial.text)

    def retry(self, thinking: PendingModelCall) -> Iterator[StreamEvent]:
        """Restart the text if a later attempt has no text yet."""
        if thinking.activity == self._activity and thinking.attempt > self._attempt:
            yield from self._restart(thinking.attempt, thinking.failure)
            self._attempt = thinking.attempt

    def complete(self, turn: int, step: int, text: str) -> Iterator[StreamEvent]:
        """Complete the text of an ended step; later partial texts are ignored."""
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
