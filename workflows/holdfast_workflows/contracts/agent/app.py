"""What a worker gets from an App: specs, and the functions behind the tools.

These never cross the Temporal boundary; they are here because the front door makes
them and the activities use them, and neither may know the other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..operations.breakers import TenantLimits
from .spec import AgentSpec, ToolSpec


def _begin() -> None:
    """Nothing stands in the way."""


BEGIN: ContextVar[Callable[[], None]] = ContextVar("BEGIN", default=_begin)
"""Called right before a tool's function, in its thread; it raises where the function must not be called any more."""


@dataclass(frozen=True)
class ToolContext:
    """What a tool may know of the call it serves; a parameter annotated with this class receives it.

    Attributes:
        session: The session's id.
        tenant: The tenant the session runs for; empty if none.
        agent: The agent's name.
        key: The idempotency key of this call: the same on every attempt, different for every call.
        attempt: 1 on the first attempt.
        turn: The turn, from 1.
        step: The step within the turn, from 1.
        user: The session's user; empty if none was given.
        log: A logger that carries the ids above.
    """

    session: str
    tenant: str
    agent: str
    key: str
    attempt: int
    turn: int
    step: int
    log: logging.Logger | logging.LoggerAdapter[logging.Logger]
    _heartbeat: Callable[[str], None] = field(repr=False)
    _cancelled: Callable[[], bool] = field(repr=False)
    user: str = ""

    def heartbeat(self, detail: str = "") -> None:
        """Say that the tool is alive and how far it is; shown in the Temporal UI and to watchers."""
        self._heartbeat(detail)

    @property
    def cancelled(self) -> bool:
        """Whether the call was cancelled. Functions that are not async should look now and then."""
        return self._cancelled()


class ToolBinding(Protocol):
    """A tool's spec and its function."""

    @property
    def spec(self) -> ToolSpec:
        """The tool as the model sees it."""
        ...

    def validate(self, arguments: str) -> dict[str, Any]:
        """Arguments from the model's JSON text.

        Raises:
            ToolArgumentsInvalid: They do not fit; the message is written for the model.
        """
        ...

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """Run the tool and return its result as text; functions that are not async run in a thread."""
        ...

    async def probe(self, arguments: Mapping[str, Any], context: ToolContext) -> str | None:
        """The result of the call with this key if it has happened, None if it has not.

        Raises:
            Exception: It cannot be told; a person is asked.
        """
        ...


@dataclass(frozen=True)
class Registry:
    """Everything a worker serves.

    Attributes:
        agents: Agents by name.
        tools: Each agent's tools by name, and by the names they had before.
        workflows: The user's own workflows; they run in the SDK's sandbox.
        activities: The user's own activities.
        tenants: Limits by tenant; ``*`` stands for all that are not named.
        name: The app's name; empty for one without.
    """

    agents: Mapping[str, AgentSpec]
    tools: Mapping[str, Mapping[str, ToolBinding]]
    workflows: Sequence[type] = ()
    activities: Sequence[Callable[..., Any]] = ()
    tenants: Mapping[str, TenantLimits] = field(default_factory=dict[str, TenantLimits])
    name: str = ""
