"""MCP servers as an app declares them. They stay in the worker: neither specs nor histories contain them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

from ..public import public
from .app import Deps
from .spec import Effect


@public
@dataclass(frozen=True)
class CredentialsContext(Generic[Deps]):
    """The session for which a ``credentials`` function is called.

    ``tenant`` and ``user`` are empty if not given. ``deps`` is what the App's lifespan yielded, None without one.
    """

    server: str
    agent: str
    session: str
    tenant: str
    user: str
    deps: Deps = None  # type: ignore[assignment]  # without a lifespan; its type is then None or Any


Credentials = Callable[[CredentialsContext[Any]], Mapping[str, str] | Awaitable[Mapping[str, str]]]
"""Returns HTTP headers, or environment variables of a command; values may be references."""


@dataclass(frozen=True, eq=False)
class McpServer:
    """How to reach a server and which of its tools to offer. Times are in seconds.

    Either ``command`` or ``url`` is set. Values of ``env`` and ``headers`` may be references such as ``env:NAME``.
    ``allow`` is None for all tools; ``deny`` removes from these. ``effects`` are by the server's names of its tools.
    """

    name: str
    prefix: str
    command: tuple[str, ...] = ()
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    credentials: Credentials | None = None
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    effects: Mapping[str, Effect] = field(default_factory=dict[str, Effect])
    trust_annotations: bool = False
    timeout: float = 60.0
    connect_timeout: float = 30.0
    refresh: float = 60.0
    """The age of a tool list at which it is read again before it is used."""
    idle: float = 300.0
    """The time without a call after which a connection is closed."""
    optional: bool = False
    """Whether sessions start without the server's tools while it cannot be reached."""
