"""What the running activity does, recorded while its session is in debug mode.

In other sessions ``RECORDING`` is None, so each place that records costs one look at a context variable.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from holdfast_activities.tracing.work import PRIVATE
from holdfast_workflows.contracts.text.redaction import redact, redact_error, redact_value
from holdfast_workflows.contracts.text.unicode import preview

if TYPE_CHECKING:
    import httpx

    from holdfast_activities.models.base import ModelReply, ModelRequest

T = TypeVar("T")

_log: Final = logging.getLogger(__name__)

HIDDEN: Final = "[not recorded: the agent hides personal data]"
"""Instead of arguments and results that may have personal data which the model does not see."""

DEEP: Final = "[not recorded: nested too deeply]"

HEADER: Final = "[redacted:header]"

_SECRET: Final = re.compile("auth|key|token|secret|cookie|signature|password|session", re.IGNORECASE)
"""Parts of names of headers whose values are not recorded."""


@dataclass
class Recording:
    """What one attempt of an activity does."""

    began: float = field(default_factory=time.monotonic)
    phases: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    details: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def add(self, kind: str, **fields: Any) -> None:
        """Add a detail, and log it in short."""
        after = round(time.monotonic() - self.began, 4)
        try:
            shown = {name: preview(str(value)) for name, value in redact_value(fields).items()}
        except RecursionError:  # a model's JSON may be nested as deeply as it likes
            fields = {name: value if isinstance(value, str) else DEEP for name, value in fields.items()}
            shown = {name: preview(redact(value)) for name, value in fields.items()}
        self.details.append({"kind": kind, "after": after, **fields})
        _log.debug("%s", kind, extra={"fields": shown})

    def prompt(self, model: str, request: ModelRequest, purpose: str) -> None:
        """Add the assembled prompt of a model call."""
        limits = {"max_tokens": request.max_tokens, "temperature": request.temperature}
        self.add(
            "prompt",
            model=model,
            purpose=purpose or "step",
            **{name: value for name, value in limits.items() if value is not None},
            instructions=request.instructions,
            tools=_loaded(request.tools),
            messages=[_loaded(fragment.data) for fragment in request.fragments],
        )

    def http(self, request: httpx.Request, response: httpx.Response) -> None:
        """Add the headers of a request and of its answer; the values of those that have a key are left out."""
        self.add(
            "http",
            method=request.method,
            url=str(request.url),
            status=response.status_code,
            sent=_headers(request.headers),
            received=_headers(response.headers),
        )

    def reply(self, reply: ModelReply) -> None:
        """Add a model's reply."""
        calls = [{"id": each.id, "name": each.name, "arguments": each.arguments} for each in reply.calls]
        usage = reply.usage.model_dump(exclude_defaults=True)
        self.add("reply", model=reply.model, finish=reply.finish, text=reply.text, calls=calls, usage=usage)


RECORDING: Final[ContextVar[Recording | None]] = ContextVar("RECORDING", default=None)


class phase:  # noqa: N801 - it is used like a function
    """Measure what the block takes, if the session is in debug mode."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._recording = RECORDING.get()
        self._began = 0.0

    def __enter__(self) -> Self:
        if self._recording is not None:
            self._began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._recording is not None:
            took = round(time.monotonic() - self._began, 4)
            self._recording.phases.append((self._name, took))
            _log.debug("%s took %.4f s", self._name, took)


async def timed(name: str, call: Awaitable[T]) -> T:
    """Return what a call returns, and measure it as ``phase`` does."""
    with phase(name):
        return await call


@contextmanager
def tool_run(name: str, arguments: str) -> Generator[Callable[[str, str], None]]:
    """Record the run of a tool's function in the block, which gives its status and result to the function."""
    recording = RECORDING.get()
    if recording is None:
        yield lambda status, text: None
        return
    hidden = PRIVATE.get()
    recording.add("call", name=name, arguments=HIDDEN if hidden else _loaded(arguments.encode()))
    try:
        with phase(f"tool {name}"):
            yield lambda status, text: recording.add(
                "result", name=name, status=status, text=HIDDEN if hidden else text
            )
    except BaseException as error:
        recording.add("result", name=name, status="failed", text=words(error))
        raise


def words(error: BaseException) -> str:
    """What an error says; its kind only if that may have personal data which the model does not see."""
    kind = type(error).__name__
    return f"{kind}: {HIDDEN}" if PRIVATE.get() else redact_error(f"{kind}: {error}")


def noting_first(on_text: Callable[[str], None] | None) -> Callable[[str], None] | None:
    """Return ``on_text`` so that the time of the first text is a phase, if the session is in debug mode."""
    recording = RECORDING.get()
    if recording is None or on_text is None:
        return on_text
    began, first = time.monotonic(), True

    def noting(text: str) -> None:
        nonlocal first
        if first:
            first = False
            recording.phases.append(("until the first text", round(time.monotonic() - began, 4)))
        on_text(text)

    return noting


def _headers(given: httpx.Headers) -> dict[str, str]:
    """Headers by name, without the values that are or may be secret."""
    return {name: HEADER if _SECRET.search(name) else value for name, value in given.items()}


def _loaded(data: bytes) -> Any:
    text = data.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
