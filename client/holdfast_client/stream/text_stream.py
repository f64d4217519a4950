"""The text of one step as emitted so far, as deltas and restarts."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast_workflows.contracts.session.progress import Partial

from .events import StreamEvent, TextDelta, TextRestart
from .position import TextPosition, digest
from .snapshot import PendingModelCall


class StepText:
    """The text of the current step and its attempt; ``at`` is up to date whenever an event is yielded."""

    def __init__(self, at: TextPosition = TextPosition()) -> None:  # noqa: B008 - immutable
        self.at = at

    def update(self, thinking: PendingModelCall, partial: Partial) -> Iterator[StreamEvent]:
        """Emit the new part of an attempt's text."""
        source, attempt = digest(thinking.activity), thinking.attempt
        if (partial.turn, partial.step) != self.at[:2]:
            self.at = TextPosition(partial.turn, partial.step, source, attempt)
        elif (source, attempt) != (self.at.source, self.at.attempt):
            yield from self._restart(source, attempt, thinking.failure)
        yield from self._append(partial.text)

    def retry(self, thinking: PendingModelCall) -> Iterator[StreamEvent]:
        """Restart the text if a later attempt has no text yet."""
        source = digest(thinking.activity)
        if source == self.at.source and thinking.attempt > self.at.attempt:
            yield from self._restart(source, thinking.attempt, thinking.failure)

    def complete(self, turn: int, step: int, text: str) -> Iterator[StreamEvent]:
        """Complete the text of an ended step; later partial texts are ignored."""
        if (turn, step) != self.at[:2]:
            self.at = TextPosition(turn, step)
        yield from self._append(text)
        self.at = TextPosition()

    def _append(self, text: str) -> Iterator[StreamEvent]:
        emitted = text[: self.at.length]
        if len(emitted) < self.at.length or (emitted and digest(emitted) != self.at.digest):
            yield from self._restart(self.at.source, self.at.attempt, "")
        if more := text[self.at.length :]:
            self.at = self.at._replace(length=len(text), digest=digest(text))
            yield TextDelta(turn=self.at.turn, step=self.at.step, text=more)

    def _restart(self, source: str, attempt: int, reason: str) -> Iterator[StreamEvent]:
        emitted = self.at.length
        self.at = TextPosition(self.at.turn, self.at.step, source, attempt)
        if emitted:
            yield TextRestart(turn=self.at.turn, step=self.at.step, attempt=attempt, reason=reason)
