"""Connect to Holdfast, start sessions and find them."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal, TypeVar, Unpack, overload

from temporalio.client import Client as TemporalClient
from temporalio.service import TLSConfig

import holdfast_temporal
from holdfast_client.debugging.patterns import PatternMethods
from holdfast_client.operations import auditing, effects, listing
from holdfast_client.operations.costs import CostMethods
from holdfast_client.operations.inbox import InboxMethods
from holdfast_client.operations.listing import SessionInfo
from holdfast_client.operations.methods import OperationMethods
from holdfast_client.requests import starting, waiting
from holdfast_client.requests.bounded import is_number
from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_client.requests.starting import ConversationOptions, RunOptions, SessionOptions, StartOptions
from holdfast_client.requests.tracing import traced_client
from holdfast_temporal.identity import CredentialSource, Grants, signed_client
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.budget import BudgetAccount, BudgetList, ListBudgets
from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.output import OutputShape
from holdfast_workflows.contracts.control.audit import AuditEntry, AuditList
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.errors import SettingsInvalid
from holdfast_workflows.contracts.operations.breakers import (
    BreakerList,
    BreakerView,
    ListBreakers,
    SetBreaker,
)
from holdfast_workflows.contracts.operations.content import AgentInfo, AgentList
from holdfast_workflows.contracts.operations.effects import EffectStatus, EffectView
from holdfast_workflows.contracts.operations.sessions import ListSessions, query
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.session import Status
from holdfast_workflows.contracts.teams.agent_loads import AgentLoad, AgentLoads

from . import messages
from .agents import AnyAgent, DeclaredAgent, TextAgent, gives_text, name_and_shape
from .reply import Output
from .schedules.schedules import ScheduleMethods
from .session import Session
from .teams.methods import TeamMethods

T = TypeVar("T")

DEFAULT_TIMEOUT: Final = 20.0
"""Seconds without an answer, or without a worker, after which a request fails."""

_LONGEST: Final = 1e9
"""Seconds; the timers of the Temporal client do not take more."""


@public
@known_options("connect")
async def connect(
    address: str | None = None,
    *,
    namespace: str | None = None,
    tls: bool | TLSConfig | None = None,
    api_key: str | None = None,
    task_queue: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - the timeout of each later request
    temporal: TemporalClient | None = None,
    credential: CredentialSource | None = None,
) -> Client:
    """Connect to the sessions of a Temporal namespace.

    Defaults are the environment variables ``HOLDFAST_TEMPORAL_ADDRESS``, ``HOLDFAST_NAMESPACE``,
    ``HOLDFAST_TLS…``, ``HOLDFAST_API_KEY`` and ``HOLDFAST_TASK_QUEUE``, then the embedded server or
    local port 7233, and the queue of the namespace's only app.

    Args:
        address: ``host:port`` of the Temporal server.
        namespace: The Temporal namespace.
        tls: True or certificates.
        api_key: The key for Temporal Cloud.
        task_queue: The workers' queue.
        timeout: Seconds without an answer after which a request fails.
        temporal: A Temporal client to use instead of connecting.
        credential: An API key of Holdfast or a token of the identity provider, ``file:/path``, ``env:NAME``, or a
            function that returns one, by default ``HOLDFAST_CREDENTIAL``. Without one, requests carry no
            identity. The workers check it at the first request.

    Raises:
        TemporalUnreachable: The server does not answer.
        SettingsInvalid: An environment variable has an invalid value.
    """
    if not is_number(timeout, 0, _LONGEST):
        raise SettingsInvalid(f"timeout={timeout!r} must be more than 0 seconds")
    if temporal is None:
        temporal = await holdfast_temporal.connect(address, namespace=namespace, tls=tls, api_key=api_key)
    temporal = traced_client(temporal)
    queue = task_queue or os.environ.get("HOLDFAST_TASK_QUEUE", "")
    source = credential or os.environ.get("HOLDFAST_CREDENTIAL", "").strip()
    if not source:
        return Client(Requests(temporal, queue, timeout))
    grants = Grants(temporal, Requests(temporal, queue, timeout).queue, source)
    return Client(Requests(signed_client(temporal, grants), queue, timeout, grants=grants))


@public
class Client(TeamMethods, InboxMethods, ScheduleMethods, OperationMethods, CostMethods, PatternMethods):
    """Starts, finds and operates sessions. Made by ``connect``."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def without_waiting(self) -> Client:
        """Return a client whose requests fail at once if no worker can answer them."""
        return Client(replace(self._requests, at_once=True))

    @property
    def temporal(self) -> TemporalClient:
        """The underlying Temporal client."""
        return self._requests.temporal

    async def whoami(self) -> Principal:
        """Return the principal of the credential; without one, the local operator.

        Raises:
            InvalidCredential: The credential is not valid.
        """
        return await self._requests.principal()

    async def task_queue(self) -> str:
        """Return the workers' task queue; SettingsInvalid if none is set and there are several apps."""
        return await self._requests.queue()

    @overload
    async def start(
        self,
        agent: DeclaredAgent[T],
        message: str | None = None,
        *,
        output_type: None = None,
        **options: Unpack[ConversationOptions],
    ) -> Session[T]: ...

    @overload
    async def start(
        self,
        agent: AnyAgent,
        message: str | None = None,
        *,
        output_type: type[T],
        **options: Unpack[ConversationOptions],
    ) -> Session[T]: ...

    @overload
    async def start(
        self,
        agent: AnyAgent,
        message: str | None = None,
        *,
        output_type: Mapping[str, Any] | None = None,
        **options: Unpack[ConversationOptions],
    ) -> Session: ...

    async def start(
        self,
        agent: AnyAgent,
        message: str | None = None,
        *,
        output_type: OutputShape | None = None,
        **options: Unpack[ConversationOptions],
    ) -> Session[Any]:
        """Start a conversation and send its first message; without one the session waits for ``send``.

        Args:
            agent: The agent, its name, or a ``Route``. The agent itself gives ``reply.output`` its type.
            message: The first message.
            output_type: The type or JSON schema of final replies; the agent's own by default.
            options: See ``ConversationOptions``.

        Raises:
            UnknownAgent: The workers serve no such agent; for a Route see NoCapableAgent and AllAgentsBusy.
            MessageTooLarge: The message is over its limit.
            NoWorker: No worker took the message in time; the session keeps it.
        """
        return await starting.start(
            self._requests, "conversation", agent, message, output_type=output_type, **options
        )

    @overload
    async def start_task(
        self,
        agent: DeclaredAgent[T],
        prompt: str,
        *,
        output_type: None = None,
        **options: Unpack[SessionOptions],
    ) -> Session[T]: ...

    @overload
    async def start_task(
        self,
        agent: AnyAgent,
        prompt: str,
        *,
        output_type: type[T],
        **options: Unpack[SessionOptions],
    ) -> Session[T]: ...

    @overload
    async def start_task(
        self,
        agent: AnyAgent,
        prompt: str,
        *,
        output_type: Mapping[str, Any] | None = None,
        **options: Unpack[SessionOptions],
    ) -> Session: ...

    async def start_task(
        self,
        agent: AnyAgent,
        prompt: str,
        *,
        output_type: OutputShape | None = None,
        **options: Unpack[SessionOptions],
    ) -> Session[Any]:
        """Start one task: a session that ends with its first turn. See ``start``, and ``run`` to wait for it."""
        return await starting.start(self._requests, "task", agent, prompt, output_type=output_type, **options)

    @overload
    async def run(
        self,
        agent: DeclaredAgent[T],
        prompt: str,
        *,
        output_type: None = None,
        **options: Unpack[RunOptions],
    ) -> T: ...

    @overload
    async def run(
        self, agent: AnyAgent, prompt: str, *, output_type: type[T], **options: Unpack[RunOptions]
    ) -> T: ...

    @overload
    async def run(
        self,
        agent: AnyAgent,
        prompt: str,
        *,
        output_type: Mapping[str, Any],
        **options: Unpack[RunOptions],
    ) -> dict[str, Any]: ...

    @overload
    async def run(
        self, agent: TextAgent, prompt: str, *, output_type: None = None, **options: Unpack[RunOptions]
    ) -> str: ...

    async def run(
        self,
        agent: AnyAgent,
        prompt: str,
        *,
        output_type: OutputShape | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 # the error says how to come back to the task
        **options: Unpack[StartOptions],
    ) -> Any:
        """Run one task and return its result: text, or a value of the output type.

        The output type is that of the ``agent`` itself, or ``output_type``: a pydantic model, dataclass or
        TypedDict, or a JSON schema of an object. An agent's name alone returns text. The same ``id`` again
        returns the result of the same task. Options: see ``RunOptions``.

        Raises:
            TurnNotEnded: The task is still running after ``timeout`` seconds.
            HoldfastError: The task failed, with the error's own class.
        """
        waiting.checked(timeout)  # before the task is started
        session = await starting.start(
            self._requests, "task", agent, prompt, output_type=output_type, **options
        )
        reply = await session.result(timeout=timeout)
        return reply.text if gives_text(agent, output_type) else reply.output

    @overload
    def session(self, id: str, *, agent: DeclaredAgent[T]) -> Session[T]: ...

    @overload
    def session(self, id: str, *, output_type: type[T]) -> Session[T]: ...

    @overload
    def session(self, id: str, *, output_type: Mapping[str, Any] | None = None) -> Session: ...

    def session(
        self, id: str, *, agent: DeclaredAgent | None = None, output_type: OutputShape | None = None
    ) -> Session[Any]:
        """Return a handle for the session of that id, without a request.

        ``agent`` or ``output_type`` gives ``reply.output`` its type; otherwise JSON becomes a dict.
        """
        shape = output_type if agent is None else name_and_shape(agent, output_type)[1]
        return Session(self._requests, messages.checked_id(id), output=Output(shape))

    def sessions(
        self,
        *,
        agent: str | None = None,
        tenant: str | None = None,
        user: str | None = None,
        status: Status | None = None,
        limit: int | None = None,
    ) -> AsyncGenerator[SessionInfo]:
        """Yield the matching sessions, newest first. A new session may appear after about a second."""
        if self._requests.grants is None:
            return listing.sessions(self._requests, query(agent, tenant, user, status), limit)
        with bad_input():
            request = ListSessions(agent=agent, tenant=tenant or "", user=user, status=status)
        return listing.permitted(self._requests, request, limit)

    async def agents(self) -> tuple[AgentInfo, ...]:
        """Return the agents that the workers serve."""
        return (await self._requests.activity(names.LIST_AGENTS, None, AgentList)).agents

    async def agent_loads(self) -> tuple[AgentLoad, ...]:
        """Return what each agent does now. It needs a principal of all tenants."""
        return (await self._requests.activity(names.READ_AGENT_LOADS, None, AgentLoads)).agents

    async def effects(
        self, *, session: str = "", status: EffectStatus | Literal[""] = "", limit: int = 500
    ) -> tuple[EffectView, ...]:
        """Return entries of the effect ledger, ordered by session.

        Those with status ``unknown`` need a decision by a person.
        """
        return await effects.effects(self._requests, session, status=status, limit=limit)

    async def breakers(self) -> tuple[BreakerView, ...]:
        """Return the circuit breakers that have recorded a failure, of all workers."""
        return (await self._requests.activity(names.LIST_BREAKERS, ListBreakers(), BreakerList)).breakers

    async def set_breaker(
        self, name: str, to: Literal["open", "closed"], *, seconds: float = 3_600.0, reason: str = ""
    ) -> BreakerView:
        """Open a circuit breaker manually, which stops calls, or close it.

        Args:
            name: ``provider:<name>``, ``tool:<name>`` or ``memory:<name>``.
            to: ``open`` or ``closed``.
            seconds: How long it stays open, at most a year; then it allows probes.
            reason: Shown in the error of refused calls.

        Raises:
            BadInput: ``seconds`` is out of range.
            BreakerUnknown: The name is not a breaker name.
        """
        with bad_input():
            request = SetBreaker(name=name, state=to, seconds=seconds, reason=reason)
        return await self._requests.activity(names.SET_BREAKER, request, BreakerView)

    async def audit(self, **wanted: Unpack[auditing.AuditFilter]) -> tuple[AuditEntry, ...]:
        """Return the newest records of the audit log that fit all that is given, in the order of their times."""
        return (await self._requests.activity(names.LIST_AUDIT, auditing.request(wanted), AuditList)).entries

    async def budgets(self, *, prefix: str = "", limit: int = 100) -> tuple[BudgetAccount, ...]:
        """Return budget accounts with their charges and reservations.

        ``prefix`` selects accounts: ``run:<session>``, ``tenant:<tenant>:<day>``.
        """
        request = ListBudgets(prefix=prefix, limit=limit)
        return (await self._requests.activity(names.LIST_BUDGETS, request, BudgetList)).budgets
