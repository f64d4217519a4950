"""The way in: connect, start sessions, find them again."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal, TypeVar, Unpack, overload

from temporalio.client import Client as TemporalClient
from temporalio.service import TLSConfig

import holdfast_temporal
from holdfast_workflows.contracts import model_json
from holdfast_workflows.contracts.breakers import BreakerView
from holdfast_workflows.contracts.budget import BudgetAccount
from holdfast_workflows.contracts.content import AgentInfo
from holdfast_workflows.contracts.declared import known_options
from holdfast_workflows.contracts.effects import EffectStatus, EffectView
from holdfast_workflows.contracts.errors import OutputInvalid, SettingsInvalid
from holdfast_workflows.contracts.output import OutputShape
from holdfast_workflows.contracts.session import Status
from holdfast_workflows.contracts.spec import WhenBusy
from holdfast_workflows.contracts.text import preview

from . import content, listing, messages, starting, state
from .listing import SessionInfo
from .memory import Memory
from .session import Session
from .starting import StartOptions
from .wire import Wire

T = TypeVar("T")

PATIENCE: Final = 20.0
"""Seconds that a request, or work in a queue, may wait before it is an error."""


@known_options("connect")
async def connect(
    address: str | None = None,
    *,
    namespace: str | None = None,
    tls: bool | TLSConfig | None = None,
    api_key: str | None = None,
    task_queue: str | None = None,
    timeout: float = PATIENCE,  # noqa: ASYNC109 - it is the client's, of each of its requests
    temporal: TemporalClient | None = None,
) -> Client:
    """A client of the sessions in a Temporal namespace.

    Args:
        address: ``host:port``; ``HOLDFAST_TEMPORAL_ADDRESS``, else the embedded server, else port 7233 here.
        namespace: The namespace; ``HOLDFAST_NAMESPACE``, else ``default``.
        tls: True, or certificates; as ``HOLDFAST_TLS…`` says by default.
        api_key: A key to be let in with; ``HOLDFAST_API_KEY`` by default.
        task_queue: Where the workers are asked; ``HOLDFAST_TASK_QUEUE``, else the queue of the
            only app of the namespace.
        timeout: Seconds without an answer after which a request fails.
        temporal: A Temporal client to use instead of connecting.

    Raises:
        TemporalUnreachable: Nothing answers there.
        SettingsInvalid: The environment holds something unusable.
    """
    if timeout <= 0:
        raise SettingsInvalid(f"timeout={timeout}: it must be more than 0 seconds")
    if temporal is None:
        temporal = await holdfast_temporal.connect(address, namespace=namespace, tls=tls, api_key=api_key)
    queue = task_queue or os.environ.get("HOLDFAST_TASK_QUEUE", "")
    return Client(Wire(temporal, queue, timeout))


class Client:
    """Starts sessions, and finds those there are. Made by ``connect``."""

    def __init__(self, wire: Wire) -> None:
        """Use a connection."""
        self._wire = wire

    def without_waiting(self) -> Client:
        """The same client, whose requests fail at once where no worker is there to answer them."""
        return Client(replace(self._wire, at_once=True))

    @property
    def temporal(self) -> TemporalClient:
        """The Temporal client beneath."""
        return self._wire.temporal

    @property
    def memory(self) -> Memory:
        """What the agents remember: search it, add to it, forget, erase, and keep it in order."""
        return Memory(self._wire)

    async def start(
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
        """Start a conversation, and send its first message.

        Args:
            agent: The agent's name.
            message: The first message; without one, the session waits.
            output_type: The shape that final replies must have.
            when_busy: What the first message does if the session exists and a turn runs.
            streaming: Have text come in small pieces from the start, for ``stream``.
            continue_as_new_after: The history length at which the session goes on in a new run.
            options: Of these, any.

                ``id``: the session's id; random by default. The same id again is the same session,
                and its first message is not taken twice, whether the session runs or has ended.

                ``tenant``: whom the session runs for.

                ``user``: whom the session is with, by an id: where memories of the user belong.

                ``max_steps``: at most so many model calls a turn; the agent's own limit by default.

                ``budget``: what the session may use in its life; the agent's own by default.

                ``priority``: 1 to 5; while work waits for workers, 1 comes first. 3 by default.

                ``weight``: the tenant's share of the workers in relation to other tenants', while all
                of them have work waiting; 0.001 to 1,000, 1 by default. Give all sessions of a
                tenant the same: what counts is each task's own.

                ``heartbeat_timeout``: after how many seconds without a sign of life from its worker a model or tool
                call is given to another; 2 to 600, 5 by default. It is most of what a killed worker
                costs the session. More for tools that keep the worker's event loop to themselves.

        Raises:
            UnknownAgent: The workers know no such agent.
            MessageTooLarge: The message is over its limit.
            NoWorker: Nobody took the message in time; the session keeps it.
        """
        return await starting.start(
            self._wire,
            "conversation",
            agent,
            message,
            output_type=output_type,
            when_busy=when_busy,
            streaming=streaming,
            continue_as_new_after=continue_as_new_after,
            **options,
        )

    async def start_task(
        self,
        agent: str,
        prompt: str,
        *,
        output_type: OutputShape | None = None,
        streaming: bool = False,
        continue_as_new_after: int | None = None,
        **options: Unpack[StartOptions],
    ) -> Session:
        """Start one task: a session that ends with its first turn. See ``start``, and ``run`` to wait for it."""
        return await starting.start(
            self._wire,
            "task",
            agent,
            prompt,
            output_type=output_type,
            streaming=streaming,
            continue_as_new_after=continue_as_new_after,
            **options,
        )

    @overload
    async def run(
        self, agent: str, prompt: str, *, output_type: None = None, **options: Unpack[StartOptions]
    ) -> str: ...

    @overload
    async def run(
        self, agent: str, prompt: str, *, output_type: type[T], **options: Unpack[StartOptions]
    ) -> T: ...

    @overload
    async def run(
        self, agent: str, prompt: str, *, output_type: Mapping[str, Any], **options: Unpack[StartOptions]
    ) -> dict[str, Any]: ...

    async def run(
        self,
        agent: str,
        prompt: str,
        *,
        output_type: OutputShape | None = None,
        **options: Unpack[StartOptions],
    ) -> Any:
        """Run one task and return its result: text, or a value of the type given as ``output_type``.

        Args:
            agent: The agent's name.
            prompt: What to do.
            output_type: A pydantic model, dataclass or TypedDict, or a JSON schema of an object.
            options: As of ``start``. With an ``id``, the same again is the same task, and
                returns the same result.

        Raises:
            HoldfastError: The task failed, with the error's own class.
        """
        session = await self.start_task(agent, prompt, output_type=output_type, **options)
        reply = await session.result()
        return reply.text if output_type is None else parse(reply.text, output_type)

    def session(self, id: str) -> Session:
        """The session of that id; nothing is asked until it is used."""
        return Session(self._wire, messages.checked_id(id))

    def sessions(
        self,
        *,
        agent: str | None = None,
        tenant: str | None = None,
        user: str | None = None,
        status: Status | None = None,
        limit: int | None = None,
    ) -> AsyncGenerator[SessionInfo]:
        """The sessions that fit, newest first. The server may need a second to list a new one."""
        return listing.sessions(self._wire, agent, tenant, user, status, limit)

    async def agents(self) -> tuple[AgentInfo, ...]:
        """The agents that the workers serve."""
        return await content.agents(self._wire)

    async def effects(
        self, *, session: str = "", status: EffectStatus | Literal[""] = "", limit: int = 500
    ) -> tuple[EffectView, ...]:
        """What calls did to the world, in the order of their sessions.

        Args:
            session: Only effects of this session.
            status: Only effects of this status: ``unknown`` are those that a person must decide.
            limit: At most so many.
        """
        return await state.effects(self._wire, session, status=status, limit=limit)

    async def breakers(self) -> tuple[BreakerView, ...]:
        """The circuit breakers of all workers that ever saw a failure."""
        return await state.breakers(self._wire)

    async def set_breaker(
        self, name: str, to: Literal["open", "closed"], *, seconds: float = 3_600.0, reason: str = ""
    ) -> BreakerView:
        """Open a circuit breaker by hand, so that nothing is asked there, or close it.

        Args:
            name: ``provider:<name>``, ``tool:<name>`` or ``memory:<name>``.
            to: ``open`` or ``closed``.
            seconds: How long it stays open, at most a year; then it lets probes through.
            reason: Why; it is shown to those whose calls are refused.

        Raises:
            BadInput: That is no time for which it can be open.
            BreakerUnknown: No breaker can have that name.
        """
        return await state.set_breaker(self._wire, name, to, seconds, reason)

    async def budgets(self, *, prefix: str = "", limit: int = 100) -> tuple[BudgetAccount, ...]:
        """What was charged to accounts, and what is held on them.

        Args:
            prefix: Only accounts whose names begin so: ``run:<session>``, ``tenant:<tenant>:<day>``.
            limit: At most so many.
        """
        return await state.budgets(self._wire, prefix, limit)


def parse(text: str, output: OutputShape) -> Any:
    """A final reply as a value of the type asked for.

    Raises:
        OutputInvalid: It does not fit.
    """
    shape: Any = dict[str, Any] if isinstance(output, Mapping) else output
    try:
        return model_json.Reader(shape).read(model_json.bare(text))
    except (ValueError, RecursionError) as error:
        raise OutputInvalid(preview(str(error))) from error
