"""The client without async: the same methods, and iterators for streams.

    from holdfast.sync import connect

    with connect() as client:
        session = client.start("support", "Where is order 42?")
        for event in session.stream():
            ...
        print(session.send("And order 43?"))

Requests run in one background thread that all handles of a client share. Signatures and docstrings
are those of the async methods.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar, Unpack, cast, overload

from holdfast_client.evaluation.methods import ForkOptions
from holdfast_client.operations.blocking import (
    HoldClient,
    MaintenanceClient,
    MemoryClient,
    MonitorClient,
    OperationHandles,
    RetentionClient,
)
from holdfast_client.operations.stored import boards as async_boards
from holdfast_client.requests.starting import ConversationOptions, RunOptions, SessionOptions, StartOptions
from holdfast_workflows.contracts.agent.output import OutputShape
from holdfast_workflows.contracts.public import public

from . import client as async_client
from . import session as async_session
from .agents import AnyAgent, DeclaredAgent, TextAgent, name_and_shape
from .handles import Handle as _Handle
from .handles import blocking as _blocking
from .handles import iterating as _iterating
from .portal import Portal
from .reply import OutT
from .schedules import schedules as async_schedules
from .teams import fleet as async_fleet
from .teams import fleets as async_fleets
from .teams.fleet_items import Items
from .teams.fleets import FleetOptions

__all__ = [
    "BoardClient", "Client", "Fleet", "Fleets", "HoldClient", "MaintenanceClient", "MemoryClient", "MonitorClient", "RetentionClient",
    "Schedules", "Session", "connect",
]  # fmt: skip

P = ParamSpec("P")
T = TypeVar("T")


def _connecting(
    connect: Callable[P, Coroutine[Any, Any, async_client.Client]],
) -> Callable[P, Client]:
    """Make a function that connects in a background thread of its own."""

    @wraps(connect)
    def call(*args: P.args, **kwargs: P.kwargs) -> Client:
        portal = Portal()
        try:
            return Client(portal.call(connect(*args, **kwargs)), portal)
        except BaseException:
            portal.close()
            raise

    return call


def _any(output_type: OutputShape | None) -> type[Any]:
    """Return an output type for any overload of an async method; the caller's own give the result's type."""
    return cast("type[Any]", output_type)


class Client(OperationHandles):
    """Starts, finds and operates sessions; see ``holdfast.Client``."""

    sessions = _iterating(async_client.Client.sessions)
    inbox = _blocking(async_client.Client.inbox)
    schedule = _blocking(async_client.Client.schedule)
    tickets = _blocking(async_client.Client.tickets)
    whoami = _blocking(async_client.Client.whoami)
    task_queue = _blocking(async_client.Client.task_queue)
    agents = _blocking(async_client.Client.agents)
    effects = _blocking(async_client.Client.effects)
    agent_loads = _blocking(async_client.Client.agent_loads)
    patterns = _blocking(async_client.Client.patterns)
    breakers = _blocking(async_client.Client.breakers)
    set_breaker = _blocking(async_client.Client.set_breaker)
    budgets = _blocking(async_client.Client.budgets)
    costs = _blocking(async_client.Client.costs)
    audit = _blocking(async_client.Client.audit)

    @overload
    def start(
        self,
        agent: DeclaredAgent[T],
        message: str | None = None,
        *,
        output_type: None = None,
        **options: Unpack[ConversationOptions],
    ) -> Session[T]: ...

    @overload
    def start(
        self,
        agent: AnyAgent,
        message: str | None = None,
        *,
        output_type: type[T],
        **options: Unpack[ConversationOptions],
    ) -> Session[T]: ...

    @overload
    def start(
        self,
        agent: AnyAgent,
        message: str | None = None,
        *,
        output_type: Mapping[str, Any] | None = None,
        **options: Unpack[ConversationOptions],
    ) -> Session: ...

    def start(
        self,
        agent: AnyAgent,
        message: str | None = None,
        *,
        output_type: OutputShape | None = None,
        **options: Unpack[ConversationOptions],
    ) -> Session[Any]:
        """Start a conversation and send its first message; without one the session waits for ``send``."""
        started = self._target.start(agent, message, output_type=_any(output_type), **options)
        return Session(self._portal.call(started), self._portal)

    @overload
    def start_task(
        self,
        agent: DeclaredAgent[T],
        prompt: str,
        *,
        output_type: None = None,
        **options: Unpack[SessionOptions],
    ) -> Session[T]: ...

    @overload
    def start_task(
        self,
        agent: AnyAgent,
        prompt: str,
        *,
        output_type: type[T],
        **options: Unpack[SessionOptions],
    ) -> Session[T]: ...

    @overload
    def start_task(
        self,
        agent: AnyAgent,
        prompt: str,
        *,
        output_type: Mapping[str, Any] | None = None,
        **options: Unpack[SessionOptions],
    ) -> Session: ...

    def start_task(
        self,
        agent: AnyAgent,
        prompt: str,
        *,
        output_type: OutputShape | None = None,
        **options: Unpack[SessionOptions],
    ) -> Session[Any]:
        """Start one task: a session that ends with its first turn."""
        started = self._target.start_task(agent, prompt, output_type=output_type, **options)
        return Session(self._portal.call(started), self._portal)

    @overload
    def run(
        self,
        agent: DeclaredAgent[T],
        prompt: str,
        *,
        output_type: None = None,
        **options: Unpack[RunOptions],
    ) -> T: ...

    @overload
    def run(
        self, agent: AnyAgent, prompt: str, *, output_type: type[T], **options: Unpack[RunOptions]
    ) -> T: ...

    @overload
    def run(
        self,
        agent: AnyAgent,
        prompt: str,
        *,
        output_type: Mapping[str, Any],
        **options: Unpack[RunOptions],
    ) -> dict[str, Any]: ...

    @overload
    def run(
        self, agent: TextAgent, prompt: str, *, output_type: None = None, **options: Unpack[RunOptions]
    ) -> str: ...

    def run(
        self,
        agent: AnyAgent,
        prompt: str,
        *,
        output_type: OutputShape | None = None,
        timeout: float | None = None,
        **options: Unpack[StartOptions],
    ) -> Any:
        """Run one task and return its result: text, or a value of the output type."""
        return self._portal.call(
            self._target.run(agent, prompt, output_type=_any(output_type), timeout=timeout, **options)
        )

    @overload
    def session(self, id: str, *, agent: DeclaredAgent[T]) -> Session[T]: ...

    @overload
    def session(self, id: str, *, output_type: type[T]) -> Session[T]: ...

    @overload
    def session(self, id: str, *, output_type: Mapping[str, Any] | None = None) -> Session: ...

    def session(
        self, id: str, *, agent: DeclaredAgent | None = None, output_type: OutputShape | None = None
    ) -> Session[Any]:
        """Return a handle for the session of that id, without a request."""
        shape = output_type if agent is None else name_and_shape(agent, output_type)[1]
        return Session(self._target.session(id, output_type=_any(shape)), self._portal)

    @property
    def fleets(self) -> Fleets:
        """One agent over many items."""
        return Fleets(self._target.fleets, self._portal)

    @property
    def schedules(self) -> Schedules:
        """The schedules: list, pause, trigger and delete them."""
        return Schedules(self._target.schedules, self._portal)

    def board(self, name: str, *, tenant: str = "") -> BoardClient:
        """Return a tenant's board, which agents have by ``Board(name)``."""
        return BoardClient(self._target.board(name, tenant=tenant), self._portal)

    def close(self) -> None:
        """End the background thread. The client and its sessions cannot be used afterwards."""
        self._portal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Session(_Handle[async_session.Session[OutT]], Generic[OutT]):
    """One session; see ``holdfast.Session``."""

    @property
    def id(self) -> str:
        """The session's id, which is its workflow's."""
        return self._target.id

    @property
    def board(self) -> BoardClient:
        """The board that the session shares with its tree."""
        return BoardClient(self._target.board, self._portal)

    def fork(self, at: int = 1, **options: Unpack[ForkOptions]) -> Session[Any]:
        """Start a session that takes a step of this one again, without effects."""
        return Session(self._portal.call(self._target.fork(at, **options)), self._portal)

    comparison = _blocking(async_session.Session.comparison)
    case = _blocking(async_session.Session.case)
    send = _blocking(async_session.Session[OutT].send)
    wait = _blocking(async_session.Session[OutT].wait)
    stream = _iterating(async_session.Session.stream)
    watch = _iterating(async_session.Session.watch)
    view = _blocking(async_session.Session.view)
    log = _iterating(async_session.Session.log)
    turn = _blocking(async_session.Session.turn)
    turns = _iterating(async_session.Session.turns)
    transcript = _iterating(async_session.Session.transcript)
    steer = _blocking(async_session.Session.steer)
    pause = _blocking(async_session.Session.pause)
    resume = _blocking(async_session.Session.resume)
    repin = _blocking(async_session.Session.repin)
    cancel = _blocking(async_session.Session[OutT].cancel)
    raise_budget = _blocking(async_session.Session.raise_budget)
    answer = _blocking(async_session.Session.answer)
    approve = _blocking(async_session.Session.approve)
    reject = _blocking(async_session.Session.reject)
    delegate = _blocking(async_session.Session.delegate)
    hand_over = _blocking(async_session.Session.hand_over)
    give_back = _blocking(async_session.Session.give_back)
    tickets = _blocking(async_session.Session.tickets)
    settle = _blocking(async_session.Session.settle)
    effects = _blocking(async_session.Session.effects)
    tree = _blocking(async_session.Session.tree)
    state = _blocking(async_session.Session.state)
    trace = _blocking(async_session.Session.trace)
    export = _blocking(async_session.Session.export)
    debug = _blocking(async_session.Session.debug)
    debug_off = _blocking(async_session.Session.debug_off)
    debug_records = _iterating(async_session.Session.debug_records)
    prompts = _iterating(async_session.Session.prompts)
    prompt = _blocking(async_session.Session.prompt)
    removed = _blocking(async_session.Session.removed)
    close = _blocking(async_session.Session.close)
    result = _blocking(async_session.Session[OutT].result)


class BoardClient(_Handle[async_boards.BoardClient]):
    """A board of a team or a tenant; see ``holdfast.BoardClient``."""

    list = _blocking(async_boards.BoardClient.list)
    read = _blocking(async_boards.BoardClient.read)
    versions = _blocking(async_boards.BoardClient.versions)
    write = _blocking(async_boards.BoardClient.write)


class Schedules(_Handle[async_schedules.Schedules]):
    """Lists and controls schedules; see ``holdfast.Schedules``."""

    list = _blocking(async_schedules.Schedules.list)
    show = _blocking(async_schedules.Schedules.show)
    pause = _blocking(async_schedules.Schedules.pause)
    resume = _blocking(async_schedules.Schedules.resume)
    trigger = _blocking(async_schedules.Schedules.trigger)
    delete = _blocking(async_schedules.Schedules.delete)


class Fleets(_Handle[async_fleets.Fleets]):
    """Starts and finds fleets; see ``holdfast.Fleets``."""

    def start(
        self,
        agent: str | DeclaredAgent,
        items: Items,
        *,
        output_type: OutputShape | None = None,
        **options: Unpack[FleetOptions],
    ) -> Fleet[Any]:
        """Store the items, then start a session for each of them, a few at a time."""
        target = self._target.start(agent, items, output_type=_any(output_type), **options)
        return Fleet(self._portal.call(target), self._portal)

    list = _iterating(async_fleets.Fleets.list)

    def get(self, id: str, *, agent: DeclaredAgent[Any] | None = None) -> Fleet[Any]:
        """Return a handle for the fleet of that id, without a request."""
        target = self._target.get(id) if agent is None else self._target.get(id, agent=agent)
        return Fleet(target, self._portal)


class Fleet(_Handle[async_fleet.Fleet[OutT]], Generic[OutT]):
    """One fleet; see ``holdfast.Fleet``."""

    @property
    def id(self) -> str:
        """The fleet's id, which is its workflow's."""
        return self._target.id

    report = _blocking(async_fleet.Fleet.report)
    opened = _blocking(async_fleet.Fleet.opened)
    watch = _iterating(async_fleet.Fleet.watch)
    wait = _blocking(async_fleet.Fleet.wait)
    pause = _blocking(async_fleet.Fleet.pause)
    resume = _blocking(async_fleet.Fleet.resume)
    retry = _blocking(async_fleet.Fleet.retry)
    cancel = _blocking(async_fleet.Fleet.cancel)
    raise_budget = _blocking(async_fleet.Fleet.raise_budget)
    results = _iterating(async_fleet.Fleet[OutT].results)


connect = _connecting(async_client.connect)

for each in (
    connect, Client, Session, MemoryClient, BoardClient, Fleets, Fleet, Schedules, MaintenanceClient, MonitorClient,
    RetentionClient, HoldClient,
):  # fmt: skip
    public(each, "holdfast.sync")
