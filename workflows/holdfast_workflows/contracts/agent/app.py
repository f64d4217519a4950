"""What a worker gets from an App: specs, and the tools' functions.

These never cross the Temporal boundary. They are here because the public API creates them and the activities
use them, and neither may import the other.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Protocol

from typing_extensions import TypeVar

from ..control.notifications import NotificationTarget
from ..errors import InvalidDeclaration
from ..operations.breakers import TenantLimits
from ..permissions.rules import Permissions
from ..public import public
from ..teams.routing import Router
from ..tools.session_values import SessionValues
from ..tools.sources import ProvidedTool
from .spec import AgentSpec, ToolSpec

if TYPE_CHECKING:
    from .mcp import McpServer

BEGIN: ContextVar[Callable[[], None]] = ContextVar("BEGIN", default=lambda: None)
"""Called right before a tool's function, in its thread; it raises if the function must not be called any more."""


def _undeclared(reference: str) -> str:
    raise InvalidDeclaration(f"the tool reads {reference!r}; declare it with @tool(secrets=[{reference!r}])")


INPUTS: ContextVar[Mapping[str, str]] = ContextVar("INPUTS", default=MappingProxyType({}))
"""What people answered to the tool server's questions about the present call: JSON, by the question's digest."""


Deps = TypeVar("Deps", default=Any)
"""The type of the value that the App's lifespan yields."""


@public
@dataclass(frozen=True)
class ToolContext(Generic[Deps]):
    """The call that a tool serves; a parameter annotated with this class receives it.

    ``key`` is the call's idempotency key: the same on every attempt, different for every call. ``attempt``,
    ``turn`` and ``step`` (within the turn) count from 1. ``tenant`` and ``user`` are empty if not given.
    ``log`` is a logger with these ids. ``deps`` is what the App's lifespan yielded, None without a lifespan;
    ``ToolContext[Database]`` gives it a type.
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
    deps: Deps = None  # type: ignore[assignment]  # without a lifespan; its type is then None or Any
    _secret: Callable[[str], str] = field(default=_undeclared, repr=False)
    _untrusted: bool = field(default=False, repr=False)
    _root: str = field(default="", repr=False)
    _token: Callable[[], str] | None = field(default=None, repr=False)
    _state: SessionValues | None = field(default=None, repr=False)
    _trace: Callable[[], Mapping[str, str]] = field(default=dict[str, str], repr=False)

    @property
    def state(self) -> SessionValues:
        """Values that the session's tools keep between calls, with versions: ``await ctx.state.get("cart")``."""
        if self._state is None:
            raise InvalidDeclaration("values of a session can only be used by a tool that a session calls")
        return self._state

    def heartbeat(self, detail: str = "") -> None:
        """Report progress; shown in the Temporal UI and to clients that follow the session."""
        self._heartbeat(detail)

    def secret(self, reference: str) -> str:
        """Read a secret that the tool declares with ``@tool(secrets=[…])``: ``ctx.secret("env:NAME")``.

        Raises:
            SecretMissing: It has no value on this worker.
            InvalidDeclaration: The tool does not declare it.
        """
        return self._secret(reference)

    @property
    def ticket_token(self) -> str:
        """The token of the call's ticket: who posts to ``/tickets/TOKEN`` of ``holdfast ticket serve`` settles it.

        Each attempt at the call has the same token.

        Raises:
            SettingsInvalid: The worker has no key that signs.
        """
        if self._token is None:
            raise InvalidDeclaration(
                "only a call with an activity of its own has a ticket; remove inline=True"
            )
        return self._token()

    @property
    def trace_headers(self) -> Mapping[str, str]:
        """The headers ``traceparent`` and ``tracestate`` for requests of the tool; empty unless the worker traces."""
        return self._trace()

    @property
    def cancelled(self) -> bool:
        """Whether the call was cancelled. Functions that are not async should check it regularly."""
        return self._cancelled()


@public
@dataclass(frozen=True)
class InstructionsContext(Generic[Deps]):
    """The turn for which an agent's instructions function is called.

    ``now`` is the time in UTC. ``tenant`` and ``user`` are empty if not given. ``deps`` is what the App's lifespan
    yielded, None without a lifespan.
    """

    agent: str
    session: str
    user: str
    tenant: str
    turn: int
    now: datetime
    deps: Deps = None  # type: ignore[assignment]  # without a lifespan; its type is then None or Any


InstructionsFunction = Callable[[InstructionsContext[Any]], Awaitable[object]]
"""Returns the instructions of a turn; the result of a user's function is not checked yet."""


class ToolBinding(Protocol):
    """A tool's spec and its function."""

    @property
    def spec(self) -> ToolSpec:
        """The tool as the model sees it."""
        ...

    def validate(self, arguments: str) -> dict[str, Any]:
        """Parse arguments from the model's JSON text.

        Raises:
            ToolArgumentsInvalid: They are invalid; the message is written for the model.
        """
        ...

    async def call(self, arguments: Mapping[str, Any], context: ToolContext[Any]) -> str:
        """Run the tool and return its result as text; functions that are not async run in a thread."""
        ...

    async def probe(self, arguments: Mapping[str, Any], context: ToolContext[Any]) -> str | None:
        """Return the result of the call with this key if it has happened, else None.

        Raises:
            Exception: It is not known; a person decides.
        """
        ...


@dataclass(frozen=True)
class Registry:
    """Everything that a worker serves.

    ``tools`` are each agent's tools by their present and former names. ``workflows`` and ``activities`` are the
    user's own. ``tenants`` are limits by tenant; ``*`` stands for all others. ``name`` is the app's, if it has one.
    ``instructions`` are the functions of the agents that have one, by agent.
    ``servers`` are the agents' MCP servers, by agent.
    ``lifespan`` makes the dependencies of a worker's tools, if the app has any; ``deps`` are these, once it is entered.
    ``permissions`` are the app's rules on tool calls. ``secrets`` are references to what the user's own code reads.
    """

    agents: Mapping[str, AgentSpec]
    tools: Mapping[str, Mapping[str, ToolBinding | ProvidedTool]]
    workflows: Sequence[type] = ()
    activities: Sequence[Callable[..., Any]] = ()
    tenants: Mapping[str, TenantLimits] = field(default_factory=dict[str, TenantLimits])
    name: str = ""
    instructions: Mapping[str, InstructionsFunction] = field(default_factory=dict[str, InstructionsFunction])
    servers: Mapping[str, Sequence["McpServer"]] = field(default_factory=dict[str, "Sequence[McpServer]"])
    lifespan: Callable[[], AbstractAsyncContextManager[object]] | None = None
    notifications: Sequence[NotificationTarget] = ()
    deps: object = None
    permissions: Permissions | None = None
    secrets: Sequence[str] = ()
    routers: Mapping[str, Router] = field(default_factory=dict[str, Router])
