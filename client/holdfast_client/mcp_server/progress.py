"""What the stream of a task says as progress of an MCP call."""

import time
from collections.abc import Awaitable, Callable

from holdfast_client.session import Session
from holdfast_client.stream.events import (
    NeedsPerson,
    StreamEvent,
    TextDelta,
    TextRestart,
    ToolProgress,
    ToolStarted,
    Waiting,
)
from holdfast_workflows.contracts.text.unicode import preview

_PACE = 0.5
"""Seconds between notifications about text."""

_SHOWN = 200
"""Characters of the text so far, from its end."""

Report = Callable[[float, str], Awaitable[None]]
"""Sends a notification: a number that grows, and a message."""


class Progress:
    """Reports what happens in a task."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._count = 0
        self._text = ""
        self._told = 0.0

    async def follow(self, session: Session) -> None:
        """Report the events of the task's turn, until it ends."""
        async for event in session.stream():
            if (message := self._message(event)) is not None:
                self._count += 1
                await self._report(self._count, message)

    def _message(self, event: StreamEvent) -> str | None:
        message = None
        match event:
            case TextDelta():
                message = self._of_text(event.text)
            case TextRestart():
                self._text, message = "", "the model is called again"
            case ToolStarted():
                message = f"calls {event.name}"
            case ToolProgress():
                message = f"{event.name}: {event.detail}"
            case NeedsPerson():
                message = f"waits for a person: {event.what}"
            case Waiting():
                message = f"waits: {event.reason}"
            case _:
                pass
        return message

    def _of_text(self, more: str) -> str | None:
        self._text += more
        now = time.monotonic()
        if now - self._told < _PACE:
            return None
        self._told = now
        return preview(self._text[-_SHOWN:])
