"""The spans of an application that sends messages: a turn's span belongs to the one that is active at its message.

Only applications that use OpenTelemetry have it loaded. Nothing is imported here for the others.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    SignalWorkflowInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    StartWorkflowUpdateWithStartInput,
)

from holdfast_workflows.contracts.errors import from_failure
from holdfast_workflows.contracts.session.session import Message, StartInput
from holdfast_workflows.contracts.session.trace_ids import Parent, TraceHeader, parent_in
from holdfast_workflows.contracts.teams.fleets import FleetStart

_SPAN: Final = "send_message"

Headers = Mapping[str, Payload]

_CALLER: ContextVar[Parent | None] = ContextVar("_CALLER", default=None)
"""The span of the request that a server answers, unless a span of its own process is active."""


@contextmanager
def continued(headers: Mapping[str, str]) -> Generator[None]:
    """In the block, messages belong to the trace of the HTTP request with these headers."""
    before = _CALLER.set(parent_in(headers))
    try:
        yield
    finally:
        _CALLER.reset(before)


def traced_client(client: Client) -> Client:
    """Return a client of the same connection whose messages carry the active span."""
    config: Any = client.config()  # its type allows no change
    if any(isinstance(each, _Tracing) for each in config["interceptors"]):
        return client
    config["interceptors"] = [*config["interceptors"], _Tracing()]
    return Client(**config)


class _Tracing(Interceptor):
    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        return _Outbound(next)


class _Outbound(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> Any:  # noqa: A002
        fleet = isinstance(input.args[0] if input.args else None, FleetStart)
        if not fleet and not _has_message(input.args):
            return await super().start_workflow(input)
        async with _sending(input.id, _agent(input.args), "start_fleet" if fleet else _SPAN) as header:
            input.headers = {**input.headers, **header}
            return await super().start_workflow(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:  # noqa: A002
        if not _has_message(input.args):
            return await super().signal_workflow(input)
        async with _sending(input.id) as header:
            input.headers = {**input.headers, **header}
            return await super().signal_workflow(input)

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> Any:  # noqa: A002
        if not _has_message(input.args):
            return await super().start_workflow_update(input)
        async with _sending(input.id) as header:
            input.headers = {**input.headers, **header}
            return await super().start_workflow_update(input)

    async def start_update_with_start_workflow(self, input: StartWorkflowUpdateWithStartInput) -> Any:  # noqa: A002
        start, update = input.start_workflow_input, input.update_workflow_input
        async with _sending(start.id, _agent(start.args)) as header:
            start.headers = {**start.headers, **header}
            update.headers = {**update.headers, **header}
            return await super().start_update_with_start_workflow(input)


def _has_message(args: Any) -> bool:
    first = args[0] if args else None
    return isinstance(first, Message) or (isinstance(first, StartInput) and first.message is not None)


def _agent(args: Any) -> str:
    first = args[0] if args else None
    return first.agent if isinstance(first, (StartInput, FleetStart)) else ""


@asynccontextmanager
async def _sending(session: str, agent: str = "", name: str = _SPAN) -> AsyncGenerator[Headers]:
    """The header of a message, within a span of its request if the application has OpenTelemetry."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    caller = _CALLER.get()
    if trace is None:
        yield TraceHeader(parent=caller.encoded()).headers() if caller else {}
        return
    about = "gen_ai.conversation.id" if name == _SPAN else "holdfast.fleet"
    attributes = {about: session} | ({"gen_ai.agent.name": agent} if agent else {})
    options = {"record_exception": False, "set_status_on_exception": False}
    tracer = trace.get_tracer("holdfast")
    above = (
        None
        if caller is None or trace.get_current_span().get_span_context().is_valid
        else _above(trace, caller)
    )
    with tracer.start_as_current_span(
        name, above, kind=trace.SpanKind.CLIENT, attributes=attributes, **options
    ) as span:
        try:
            yield _header(span.get_span_context())
        except Exception as error:
            found = from_failure(error)
            span.set_attribute("error.type", found.code if found else type(error).__name__)
            span.set_status(trace.StatusCode.ERROR)
            raise


def _above(trace: Any, caller: Parent) -> Any:
    """OpenTelemetry's context with the caller's span as the present one."""
    context = trace.SpanContext(
        int(caller.trace, 16),
        int(caller.span, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(caller.flags, 16)),
        trace_state=trace.TraceState.from_header([caller.state]) if caller.state else None,
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(context))


def _header(context: Any) -> Headers:
    if not context.is_valid:
        return {}
    state = context.trace_state.to_header() if context.trace_state else ""
    flags = f"{context.trace_flags & 1:02x}"
    parent = Parent(f"{context.trace_id:032x}", f"{context.span_id:016x}", flags, state)
    return TraceHeader(parent=parent.encoded()).headers()
