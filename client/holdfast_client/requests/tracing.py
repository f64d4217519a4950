"""The spans of an application that sends messages: a turn's span belongs to the one that is active at its message.

Only applications that use OpenTelemetry have it loaded. Nothing is imported here for the others.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
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
from holdfast_workflows.contracts.session.trace_ids import Parent, TraceHeader

_SPAN: Final = "send_message"

Headers = Mapping[str, Payload]


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
        if not _has_message(input.args):
            return await super().start_workflow(input)
        async with _sending(input.id, _agent(input.args)) as header:
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
    return first.agent if isinstance(first, StartInput) else ""


@asynccontextmanager
async def _sending(session: str, agent: str = "") -> AsyncGenerator[Headers]:
    """The header of a message, within a span of its request; empty in an application without OpenTelemetry."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        yield {}
        return
    attributes = {"gen_ai.conversation.id": session} | ({"gen_ai.agent.name": agent} if agent else {})
    options = {"record_exception": False, "set_status_on_exception": False}
    tracer = trace.get_tracer("holdfast")
    with tracer.start_as_current_span(
        _SPAN, kind=trace.SpanKind.CLIENT, attributes=attributes, **options
    ) as span:
        try:
            yield _header(span.get_span_context())
        except Exception as error:
            found = from_failure(error)
            span.set_attribute("error.type", found.code if found else type(error).__name__)
            span.set_status(trace.StatusCode.ERROR)
            raise


def _header(context: Any) -> Headers:
    if not context.is_valid:
        return {}
    state = context.trace_state.to_header() if context.trace_state else ""
    flags = f"{context.trace_flags & 1:02x}"
    parent = Parent(f"{context.trace_id:032x}", f"{context.span_id:016x}", flags, state)
    return TraceHeader(parent=parent.encoded()).headers()
