"""The client without async: the same names, and iterators for streams.

    from holdfast_client.sync import connect

    with connect() as client:
        session = client.start("support", "Where is order 42?")
        for event in session.stream():
            ...
        print(session.send("And order 43?"))

Requests run in one background thread that all handles of a client share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, Unpack, cast, overload

from temporalio.service import TLSConfig

from holdfast_workflows.contracts.breakers import BreakerView
from holdfast_workflows.contracts.budget import BudgetAccount
from holdfast_workflows.contracts.content import AgentInfo
from holdfast_workflows.contracts.context import Manifest
from holdfast_workflows.contracts.effects import EffectStatus, EffectView
from holdfast_workflows.contracts.entries import Entry
from holdfast_workflows.contracts.output import OutputShape
from holdfast_workflows.contracts.session import SessionView, Status
from holdfast_workflows.contracts.spec import WhenBusy

from . import client as asynchronous
from . import session as session_module
from .client import PATIENCE
from .listing import SessionInfo
from .memory_sync import Memory
from .portal import Portal
from .reply import Reply
from .starting import StartOptions
from .stream.events import StreamEvent

T = TypeVar("T")


def connect(
    address: str | None = None,
    *,
    namespace: str | None = None,
    tls: bool | TLSConfig | None = None,
    api_key: str | None = None,
    task_queue: str | None = None,
    timeout: float = PATIENCE,
) -> Client:
    """A client of the sessions in a Temporal namespace; see ``holdfast_client.connect``."""
    portal = Portal()
    try:
        made = portal.call(
            asynchronous.connect(
                address,
                namespace=namespace,
                tls=tls,
                api_key=api_key,
                task_queue=task_queue,
                timeout=timeout,
            )
        )
    except BaseException:
        portal.close()
        raise
    return Client(made, portal)


class Client:
    """Starts sessions, and finds those there are; see ``holdfast_client.Client``."""

    def __init__(self, client: asynchronous.Client, portal: Portal) -> None:
        """Made by ``connect``."""
        self._client = client
        self._portal = portal

    def start(
        self,
        agent: str,
        message: str | None = None,
        *,
        output_type: OutputShape | None = None,
        when_busy: WhenBusy | None = None,
        streaming: bool = False,
        continue_as_new_after: int | None = None,
        **options: Unpack[StartOptions],
    ) -> Session:
        """Start a conversation, and send its first message."""
        started = self._client.start(
            agent,
            message,
            output_type=output_type,
            when_busy=when_busy,
            streaming=streaming,
            continue_as_new_after=continue_as_new_after,
            **options,
        )
        return Session(self._portal.call(started), self._portal)

    def start_task(
        self,
        agent: str,
        prompt: str,
        *,
        output_type: OutputShape | None = None,
        streaming: bool = False,
        continue_as_new_after: int | None = None,
        **options: Unpack[StartOptions],
    ) -> Session:
        """Start one task: a session that ends with its first turn."""
        started = self._client.start_task(
            agent,
            prompt,
            output_type=output_type,
            streaming=streaming,
            continue_as_new_after=continue_as_new_after,
            **options,
        )
        return Session(self._portal.call(started), self._portal)

    @overload
    def run(
        self, agent: str, prompt: str, *, output_type: None = None, **options: Unpack[StartOptions]
    ) -> str: ...

    @overload
    def run(self, agent: str, prompt: str, *, output_type: type[T], **options: Unpack[StartOptions]) -> T: ...

    @overload
    def run(
        self, agent: str, prompt: str, *, output_type: Mapping[str, Any], **options: Unpack[StartOptions]
    ) -> dict[str, Any]: ...

    def run(
        self,
        agent: str,
        prompt: str,
        *,
        output_type: OutputShape | None = None,
        **options: Unpack[StartOptions],
    ) -> Any:
        """Run one task and return its result: text, or a value of the type given as ``output_type``."""
        shape = cast("type[Any]", output_type)  # the overloads above say what comes of which
        return self._portal.call(self._client.run(agent, prompt, output_type=shape, **options))

    def session(self, id: str) -> Session:
        """The session of that id; nothing is asked until it is used."""
        return Session(self._client.session(id), self._portal)

    def sessions(
        self,
        *,
        agent: str | None = None,
        tenant: str | None = None,
        user: str | None = None,
        status: Status | None = None,
        limit: int | None = None,
    ) -> Iterator[SessionInfo]:
        """The sessions that fit, newest first."""
        return self._portal.iterate(
            lambda: self._client.sessions(agent=agent, tenant=tenant, user=user, status=status, limit=limit)
        )

    def agents(self) -> tuple[AgentInfo, ...]:
        """The agents that the workers serve."""
        return self._portal.call(self._client.agents())

    def effects(
        self, *, session: str = "", status: EffectStatus | Literal[""] = "", limit: int = 500
    ) -> tuple[EffectView, ...]:
        """What calls did to the world, in the order of their sessions."""
        return self._portal.call(self._client.effects(session=session, status=status, limit=limit))

    def breakers(self) -> tuple[BreakerView, ...]:
        """The circuit breakers of all workers that ever saw a failure."""
        return self._portal.call(self._client.breakers())

    def set_breaker(
        self, name: str, to: Literal["open", "closed"], *, seconds: float = 3_600.0, reason: str = ""
    ) -> BreakerView:
        """Open a circuit breaker by hand, so that nothing is asked there, or close it."""
        return self._portal.call(self._client.set_breaker(name, to, seconds=seconds, reason=reason))

    def budgets(self, *, prefix: str = "", limit: int = 100) -> tuple[BudgetAccount, ...]:
        """What was charged to accounts, and what is held on them."""
        return self._portal.call(self._client.budgets(prefix=prefix, limit=limit))

    @property
    def memory(self) -> Memory:
        """What the agents remember: search it, add to it, forget, erase, and keep it in order."""
        return Memory(self._client.memory, self._portal)

    def close(self) -> None:
        """End the background thread; the client and its sessions are of no more use."""
        self._portal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Session:
    """One session; see ``holdfast_client.Session``."""

    def __init__(self, session: session_module.Session, portal: Portal) -> None:
        """Made by ``Client.start`` and ``Client.session``."""
        self._session = session
        self._portal = portal

    @property
    def id(self) -> str:
        """The session's id, which is its workflow's."""
        return self._session.id

    def __repr__(self) -> str:
        return repr(self._session)

    def send(
        self,
        text: str,
        *,
        when_busy: WhenBusy | None = None,
        wait: bool = True,
        streaming: bool = False,
        id: str | None = None,
        timeout: float | None = None,
    ) -> Reply:
        """Send a message and wait for the turn that takes it, at most ``timeout`` seconds."""
        sent = self._session.send(
            text, when_busy=when_busy, wait=wait, streaming=streaming, id=id, timeout=timeout
        )
        return self._portal.call(sent)

    def wait(
        self, turn: int | None = None, *, timeout: float | None = None, raise_on_error: bool = True
    ) -> Reply:
        """Wait for a turn to end and return its reply."""
        return self._portal.call(self._session.wait(turn, timeout=timeout, raise_on_error=raise_on_error))

    def stream(
        self, text: str | None = None, *, turn: int | None = None, when_busy: WhenBusy | None = None
    ) -> Iterator[StreamEvent]:
        """Follow a turn from its beginning to its end."""
        return self._portal.iterate(lambda: self._session.stream(text, turn=turn, when_busy=when_busy))

    def watch(self) -> Iterator[StreamEvent]:
        """Follow the session until it is closed."""
        return self._portal.iterate(self._session.watch)

    def view(self, since: int | None = None) -> SessionView:
        """The session at a glance, with its events from number ``since`` on; by default without."""
        return self._portal.call(self._session.view(since))

    def log(self, start: int = 0) -> Iterator[Entry]:
        """Every message, reply and result from a sequence number on; long texts as previews."""
        return self._portal.iterate(lambda: self._session.log(start))

    def transcript(self, start: int = 0) -> Iterator[Entry]:
        """Every message, reply and result from a sequence number on, whole."""
        return self._portal.iterate(lambda: self._session.transcript(start))

    def steer(self, text: str) -> int:
        """Say something to the turn that runs; returns the turn."""
        return self._portal.call(self._session.steer(text))

    def pause(self) -> SessionView:
        """Start nothing new after the current step, until ``resume``."""
        return self._portal.call(self._session.pause())

    def resume(self) -> SessionView:
        """Go on after ``pause``."""
        return self._portal.call(self._session.resume())

    def repin(self) -> SessionView:
        """Take the newest spec of the agent, from the next turn on."""
        return self._portal.call(self._session.repin())

    def cancel(self, reason: str = "") -> Reply:
        """Cancel the turn that runs, and wait until its tools have ended."""
        return self._portal.call(self._session.cancel(reason))

    def raise_budget(
        self,
        *,
        tokens: int = 0,
        dollars: float = 0.0,
        steps: int = 0,
        tool_calls: int = 0,
        seconds: float = 0.0,
    ) -> SessionView:
        """Allow the session more than its budget does now; a turn that waits for that goes on."""
        return self._portal.call(
            self._session.raise_budget(
                tokens=tokens, dollars=dollars, steps=steps, tool_calls=tool_calls, seconds=seconds
            )
        )

    def resolve(
        self, id: str, action: Literal["confirm", "retry", "give_up"], *, text: str = "", by: str = ""
    ) -> SessionView | None:
        """Say how to go on with something that waits for a person, or what came of a call afterwards."""
        return self._portal.call(self._session.resolve(id, action, text=text, by=by))

    def effects(self) -> tuple[EffectView, ...]:
        """What the session's calls did to the world, in their order."""
        return self._portal.call(self._session.effects())

    def prompts(self) -> Iterator[Manifest]:
        """How the prompt of each model call was made, in order."""
        return self._portal.iterate(self._session.prompts)

    def prompt(self, step: int | None = None, *, turn: int | None = None) -> Manifest:
        """How the prompt of one step was made, by default the last one's."""
        return self._portal.call(self._session.prompt(step, turn=turn))

    def close(self) -> SessionView:
        """Take no more messages; the session ends after the turns it has."""
        return self._portal.call(self._session.close())

    def result(self) -> Reply:
        """Wait for the session's end, and return its last turn's reply."""
        return self._portal.call(self._session.result())
