"""What one look at a session showed."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast_workflows.contracts.session import Partial, SessionView


@dataclass(frozen=True, slots=True)
class Thinking:
    """A model call that runs or is about to be tried again.

    ``partial`` is what this attempt has said; None before its first word. ``activity``
    and ``attempt`` together tell one attempt from every other.
    """

    activity: str
    attempt: int
    partial: Partial | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Tooling:
    """A tool call that runs or is about to be tried again."""

    activity: str
    name: str
    attempt: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one look at a session showed.

    Attributes:
        open: Whether the session still runs.
        thinking: The model call under way.
        tools: The tool calls under way.
        view: The session's own account, taken after the rest; None if nothing had changed.
        unattended: Whether work has waited for a worker for some seconds.
    """

    open: bool = True
    thinking: Thinking | None = None
    tools: tuple[Tooling, ...] = ()
    view: SessionView | None = None
    unattended: bool = False
