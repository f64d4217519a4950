"""The way in: connect, start sessions, find them again."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final, TypeVar, overload

from pydantic import TypeAdapter, ValidationError
from temporalio.client import Client as TemporalClient
from temporalio.service import TLSConfig

import holdfast_temporal
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.content import AgentInfo
from holdfast_workflows.contracts.errors import BadInput, OutputInvalid, SettingsInvalid
from holdfast_workflows.contracts.output import OutputShape, output_spec
from holdfast_workflows.contracts.session import Mode, StartInput, Status
from holdfast_workflows.contracts.spec import WhenBusy
from holdfast_workflows.contracts.text import preview

from . import content, listing, messages
from .listing import SessionInfo
from .session import Session
from .wire import Wire

T = TypeVar("T")

PATIENCE: Final = 20.0
"""Seconds that a request, or work in a queue, may wait before it is an error."""

_FIRST: Final = "first"


async def connect(
    address: str | None = None,
    *,
    namespace: str | None = None,
    tls: bool | TLSConfig | None = None,
    api_key: str | None = None,
    task_queue: str | None = None,
    patience: float = PATIENCE,
    temporal: TemporalClient | None = None,
) -> Client:
    """A client of the sessions in a Temporal namespace.

    Args:
        address: ``host:port``; ``HOLDFAST_TEMPORAL_ADDRESS``, else the embedded server, else port 7233 here.
        namespace: The namespace; ``HOLDFAST_NAMESPACE``, else ``default``.
        tls: True, or certificates; as ``HOLDFAST_TLS…`` says by default.
        api_key: A key to be let in with; ``HOLDFAST_API_KEY`` by default.
        task_queue: Where the workers are asked; ``HOLDFAST_TASK_QUEUE``, else ``holdfast``.
        patience: Seconds without an answer after which a request fails.
        temporal: A Temporal client to use instead of connecting.

    Raises:
        TemporalUnreachable: Nothing answers there.
        SettingsInvalid: The environment holds something unusable.
    """
    if patience <= 0:
        raise SettingsInvalid(f"patience={patience}: it must be more than 0 seconds")
    if temporal is None:
        temporal = await holdfast_temporal.connect(address, namespace=namespace, tls=tls, api_key=api_key)
    queue = task_queue or os.environ.get("HOLDFAST_TASK_QUEUE", "") or names.TASK_QUEUE
    return Client(Wire(temporal, queue, patience))


class Client:
    """Starts sessions, and finds those there are. Made by ``connect``."""

    def __init__(self, wire: Wire) -> None:
        """Use a connection."""
        self._wire = wire

    @property
    def temporal(self) -> TemporalClient:
        """The Temporal client beneath."""
        return self._wire.temporal

    async def start(
        self,
        agent: str,
        message: str | None = None,
        *,
        id: str | None = None,
        tenant: str = "",
        output: OutputShape | None = None,
        max_steps: int | None = None,
        when_busy: WhenBusy | None = None,
        watched: bool = False,
        roll_over_events: int | None = None,
    ) -> Session:
        """Start a conversation, and send its first message.

        Args:
            agent: The agent's name.
            message: The first message; without one, the session waits.
            id: The session's id; random by default. The same id again is the same session,
                and its first message is not taken twice, whether the session runs or has ended.
            tenant: Whom the session runs for.
            output: The shape that final replies must have.
            max_steps: At most so many model calls a turn; the agent's own limit by default.
            when_busy: What the first message does if the session exists and a turn runs.
            watched: Have text come in small pieces from the start, for ``stream``.
            roll_over_events: The history length at which the session goes on in a new run.

        Raises:
            UnknownAgent: The workers know no such agent.
            MessageTooLarge: The message is over its limit.
            NoWorker: Nobody took the message in time; the session keeps it.
        """
        return await self._start(
            "conversation",
            agent,
            message,
            id=id,
            tenant=tenant,
            output=output,
            max_steps=max_steps,
            when_busy=when_busy,
            watched=watched,
            roll_over_events=roll_over_events,
        )

    async def start_task(
        self,
        agent: str,
        prompt: str,
        *,
        id: str | None = None,
        tenant: str = "",
        output: OutputShape | None = None,
        max_steps: int | None = None,
        watched: bool = False,
        roll_over_events: int | None = None,
    ) -> Session:
        """Start one task: a session that ends with its first turn. See ``start``, and ``run`` to wait for it."""
        return await self._start(
            "task",
            agent,
            prompt,
            id=id,
            tenant=tenant,
            output=output,
            max_steps=max_steps,
            watched=watched,
            roll_over_events=roll_over_events,
        )

    @overload
    async def run(
        self,
        agent: str,
        prompt: str,
        *,
        output: None = None,
        id: str | None = None,
        tenant: str = "",
        max_steps: int | None = None,
    ) -> str: ...

    @overload
    async def run(
        self,
        agent: str,
        prompt: str,
        *,
        output: type[T],
        id: str | None = None,
        tenant: str = "",
        max_steps: int | None = None,
    ) -> T: ...

    @overload
    async def run(
        self,
        agent: str,
        prompt: str,
        *,
        output: Mapping[str, Any],
        id: str | None = None,
        tenant: str = "",
        max_steps: int | None = None,
    ) -> dict[str, Any]: ...

    async def run(
        self,
        agent: str,
        prompt: str,
        *,
        output: OutputShape | None = None,
        id: str | None = None,
        tenant: str = "",
        max_steps: int | None = None,
    ) -> Any:
        """Run one task and return its result: text, or a value of the type given as ``output``.

        Args:
            agent: The agent's name.
            prompt: What to do.
            output: A pydantic model, dataclass or TypedDict, or a JSON schema of an object.
            id: The session's id. The same id again is the same task, and returns the same result.
            tenant: Whom the task runs for.
            max_steps: At most so many model calls; the agent's own limit by default.

        Raises:
            HoldfastError: The task failed, with the error's own class.
        """
        session = await self.start_task(
            agent, prompt, id=id, tenant=tenant, output=output, max_steps=max_steps
        )
        reply = await session.result()
        return reply.text if output is None else parse(reply.text, output)

    def session(self, id: str) -> Session:
        """The session of that id; nothing is asked until it is used."""
        return Session(self._wire, messages.checked_id(id))

    def sessions(
        self,
        *,
        agent: str | None = None,
        tenant: str | None = None,
        status: Status | None = None,
        limit: int | None = None,
    ) -> AsyncGenerator[SessionInfo]:
        """The sessions that fit, newest first. The server may need a second to list a new one."""
        return listing.sessions(self._wire, agent, tenant, status, limit)

    async def agents(self) -> tuple[AgentInfo, ...]:
        """The agents that the workers serve."""
        return await content.agents(self._wire)

    async def _start(
        self,
        mode: Mode,
        agent: str,
        text: str | None,
        *,
        id: str | None,
        tenant: str,
        output: OutputShape | None,
        max_steps: int | None,
        when_busy: WhenBusy | None = None,
        watched: bool,
        roll_over_events: int | None,
    ) -> Session:
        if not agent:
            raise BadInput("the agent's name is empty")
        session = messages.new_id("s") if id is None else messages.checked_id(id)
        message = None
        if text is not None:
            # Fixed, so that the same start sent twice is one message.
            message = await messages.prepare(
                self._wire, session, text, id=_FIRST, when_busy=when_busy, watched=watched
            )
        more: dict[str, Any] = {} if roll_over_events is None else {"roll_over_events": roll_over_events}
        try:
            start = StartInput(
                agent=agent,
                tenant=tenant,
                mode=mode,
                output=None if output is None else output_spec(output),
                message=message,
                max_steps=max_steps,
                **more,
            )
        except ValidationError as error:
            raise BadInput(preview(str(error))) from error
        accepted = await self._wire.start(session, start)
        return Session(self._wire, session, accepted.turn if accepted else None, watched=watched)


def parse(text: str, output: OutputShape) -> Any:
    """A final reply as a value of the type asked for.

    Raises:
        OutputInvalid: It does not fit.
    """
    shape: Any = dict[str, Any] if isinstance(output, Mapping) else output
    try:
        return TypeAdapter(shape).validate_json(text)
    except ValidationError as error:
        raise OutputInvalid(preview(str(error))) from error
