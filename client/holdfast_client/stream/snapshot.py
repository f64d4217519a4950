"""The state of a session at one poll."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast_workflows.contracts.session.progress import Partial
from holdfast_workflows.contracts.session.session import SessionView


@dataclass(frozen=True, slots=True)
class PendingModelCall:
    """A model call that is running or waits for its next attempt.

    ``partial`` is the text of this attempt; None before its first heartbeat. ``activity`` and
    ``attempt`` together identify an attempt.
    """

    activity: str
    attempt: int
    partial: Partial | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class PendingToolCall:
    """A tool call that is running or waits for its next attempt."""

    activity: str
    name: str
    attempt: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a session at one poll.

    Attributes:
        open: Whether the session still runs.
        thinking: The model call in progress.
        tools: The tool calls in progress.
        view: The session's view, read after the rest; None if unchanged.
        unattended: Whether work has waited for a worker for some seconds.
    """

    open: bool = True
    thinking: PendingModelCall | None = None
    tools: tuple[PendingToolCall, ...] = ()
    view: SessionView | None = None
    unattended: bool = False
