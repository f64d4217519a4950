"""The spans of turns, model calls, tool calls, memory operations and plans, by the GenAI conventions.

Each stands for something that happened in this process, so neither a replay nor an attempt that finds a settled
entry makes one. Every function does nothing in a worker that does not trace.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence, Sized
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, Self, TypeVar
from urllib.parse import urlsplit

from temporalio import activity

from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.session.entries import ResultEntry
from holdfast_workflows.contracts.session.steps import TurnRecord
from holdfast_workflows.contracts.session.trace_ids import call_span
from holdfast_workflows.contracts.text.redaction import redact_error
from holdfast_workflows.contracts.text.unicode import preview

from . import content
from .recorder import Recorder, Span, SpanKind, Value
from .work import PRIVATE, RECORDER, WORK, Work

if TYPE_CHECKING:
    from holdfast_activities.models.base import Model, ModelReply, ModelRequest
    from holdfast_activities.session.common.run_tool import ToolRun
    from holdfast_workflows.contracts.agent.spec import ToolSpec

P = ParamSpec("P")
S = TypeVar("S", bound=int | Sized)

CANCELLED: Final = "cancelled"

_PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "google-gla": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "grok": "x_ai",
    "mistral": "mistral_ai",
}
"""Names of providers in the conventions, where they differ."""

_FINISH: Final = {"tool_calls": "tool_call"}


class Recorded:
    """A span while its block runs; does nothing without a recorder."""

    def __init__(self, span: Span | None = None) -> None:
        self._span = span

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._span is not None:
            self._span.end(*_described(error) if error else ())

    def add(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""
        if self._span is not None:
            self._span.set(attributes)

    def not_made(self) -> None:
        """Drop the span: what it stands for did not happen, or was done before."""
        if self._span is not None:
            self._span.drop()
            self._span = None


class ModelCall(Recorded):
    """The span of a model call."""

    def __init__(self, span: Span | None = None, *, with_content: bool = False) -> None:
        super().__init__(span)
        self._with_content = with_content
        self._began = time.monotonic()
        self._first = 0.0

    def timed(self, on_text: Callable[[str], None]) -> Callable[[str], None]:
        """Return ``on_text`` so that the time of the first text is noted."""
        if self._span is None:
            return on_text

        def noting(text: str) -> None:
            self._first = self._first or time.monotonic() - self._began
            on_text(text)

        return noting

    def replied(self, reply: ModelReply) -> None:
        """Record a reply."""
        if self._span is None:
            return
        found: dict[str, Value] = {
            "gen_ai.response.model": reply.model.partition(":")[2] or reply.model,
            "gen_ai.response.finish_reasons": [_FINISH.get(reply.finish, reply.finish)],
            "gen_ai.usage.input_tokens": reply.usage.input_tokens,
            "gen_ai.usage.output_tokens": reply.usage.output_tokens,
            "holdfast.cost.dollars": reply.usage.cost,
        }
        if reply.usage.cached_tokens:
            found["gen_ai.usage.cache_read.input_tokens"] = reply.usage.cached_tokens
        if self._first:
            found["gen_ai.response.time_to_first_chunk"] = round(self._first, 4)
        if self._with_content:
            found["gen_ai.output.messages"] = content.reply(reply)
        self._span.set(found)


class ToolCall(Recorded):
    """The span of one run of a tool's function."""

    def __init__(self, span: Span | None = None, *, with_content: bool = False) -> None:
        super().__init__(span)
        self._with_content = with_content

    def ended(self, entry: ResultEntry) -> None:
        """Record the result."""
        if self._span is None:
            return
        self._span.set({"holdfast.status": entry.status})
        if self._with_content:
            self._span.set({"gen_ai.tool.call.result": content.result(entry.text)})

    def waits(self) -> None:
        """End the span of a call whose result comes later."""
        if self._span is not None:
            self._span.set({"holdfast.status": "ticket"})
            self._span.end()
            self._span = None


def model_call(model: Model, request: ModelRequest, *, purpose: str = "") -> ModelCall:
    """Begin the span of a model call; ``purpose`` says what one in the background is for."""
    recorder, work = _present()
    if recorder is None or work is None:
        return ModelCall()
    provider, _, name = model.name.partition(":")
    if provider == "pydantic-ai":
        provider, _, name = name.partition(":")
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _PROVIDERS.get(provider, provider),
        "gen_ai.request.model": name,
        **_of(work),
    }
    optional: dict[str, Value | None] = {
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.stream": request.stream or None,
        "gen_ai.output.type": "json" if request.output is not None else None,
        "holdfast.purpose": purpose or None,
        **_address(getattr(model, "url", "")),
    }
    attributes |= {key: value for key, value in optional.items() if value is not None}
    if recorder.content:
        attributes["gen_ai.system_instructions"] = content.instructions(request)
        attributes["gen_ai.input.messages"] = content.prompt(request)
    return ModelCall(recorder.begin(f"chat {name}", "client", attributes), with_content=recorder.content)


def tool_call(call: ToolRun, spec: ToolSpec) -> ToolCall:
    """Begin the span of one run of a tool's function."""
    recorder, work = _present()
    if recorder is None or work is None:
        return ToolCall()
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": call.name,
        "gen_ai.tool.call.id": call.call_id,
        "gen_ai.tool.type": "function",
        "holdfast.effect": spec.effect,
        "holdfast.call.key": call.key,
        **_of(work),
        "holdfast.step": call.step,
    }
    with_content = recorder.content and not PRIVATE.get()
    if with_content:
        attributes["gen_ai.tool.call.arguments"] = content.arguments(call.arguments)
    # Child sessions have this span as their parent, and began before this run of the function.
    began = work.header.began
    id = call_span(call.key) if began else ""
    span = recorder.begin(f"execute_tool {call.name}", "internal", attributes, id=id, at=began)
    return ToolCall(span, with_content=with_content)


def of_memory(
    operation: Literal["search_memory", "update_memory", "delete_memory"],
) -> Callable[[Callable[P, Awaitable[S]]], Callable[P, Coroutine[Any, Any, S]]]:
    """Make the decorated operation of the memory store have a span. It returns memories, or their number."""

    def decorate(method: Callable[P, Awaitable[S]]) -> Callable[P, Coroutine[Any, Any, S]]:
        @functools.wraps(method)
        async def run(*args: P.args, **kwargs: P.kwargs) -> S:
            with _operation(operation, operation, "client") as span:
                found = await method(*args, **kwargs)
                count = found if isinstance(found, int) else len(found)
                span.add({"gen_ai.memory.record.count": count})
                return found

        return run

    return decorate


def plan(agent: str) -> Recorded:
    """Begin the span of a team's decision on its next step."""
    return _operation(f"plan {agent}", "plan", "internal")


def turn(session: str, agent: str, record: TurnRecord) -> None:
    """Record the span of an ended turn. Its id is the turn's, so that a repeated one is the same."""
    recorder, work = _present()
    if recorder is None or work is None or not record.started:
        return
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "invoke_agent",
        **_of(work),
        "gen_ai.conversation.id": session,
        "gen_ai.usage.input_tokens": record.usage.input_tokens,
        "gen_ai.usage.output_tokens": record.usage.output_tokens,
        "holdfast.cost.dollars": record.usage.cost,
        "holdfast.steps": record.steps,
        "holdfast.status": record.status,
    }
    error = record.error_code or ("" if record.status == "done" else record.status)
    times = (record.started, record.ended)
    recorder.turn(work, f"invoke_agent {agent}", attributes, times, error)


def headers() -> Mapping[str, str]:
    """Return the headers that tell another service the present span; none without a recorder."""
    recorder = RECORDER.get()
    return {} if recorder is None else recorder.headers()


def _operation(name: str, operation: str, kind: SpanKind) -> Recorded:
    recorder, work = _present()
    if recorder is None or work is None:
        return Recorded()
    return Recorded(recorder.begin(name, kind, {"gen_ai.operation.name": operation, **_of(work)}))


def _present() -> tuple[Recorder | None, Work | None]:
    return RECORDER.get(), WORK.get()


def _of(work: Work) -> dict[str, Value]:
    """The attributes of what the activity works for."""
    found: dict[str, Value | None] = {
        "gen_ai.conversation.id": work.session,
        "gen_ai.agent.name": work.agent or None,
        "user.id": work.user or None,
        "holdfast.tenant": work.tenant or None,
        "holdfast.turn": work.turn or None,
        "holdfast.step": work.step or None,
    }
    if activity.in_activity():
        found["holdfast.attempt"] = activity.info().attempt
    return {name: value for name, value in found.items() if value is not None}


def _address(url: str) -> dict[str, Value | None]:
    if not url:
        return {}
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"server.address": parts.hostname, "server.port": port}


def _described(error: BaseException) -> Sequence[str]:
    """The class of an error, and its text without secrets."""
    if isinstance(error, asyncio.CancelledError):
        return CANCELLED, ""
    code = error.code if isinstance(error, HoldfastError) else type(error).__name__
    return code, preview(redact_error(str(error)))
