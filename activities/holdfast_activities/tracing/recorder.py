"""What a worker that traces brings: it makes spans and sends them."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from .work import Work

SpanKind = Literal["internal", "client"]

Value = str | bool | int | float | Sequence[str]


class Span(Protocol):
    """A span that has begun."""

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""
        ...

    def end(self, error: str = "", text: str = "") -> None:
        """End it, with the class of an error and its text if it failed."""
        ...

    def drop(self) -> None:
        """End it without a trace: what it stands for did not happen."""
        ...


class Recorder(Protocol):
    """Makes the spans of a worker."""

    content: bool
    """Whether prompts, replies, arguments and results are recorded."""

    def enter(self, work: Work) -> None:
        """Make the turn's span the parent of what the present task does."""
        ...

    def begin(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, Value],
        *,
        id: str = "",
        at: float = 0.0,
    ) -> Span:
        """Begin a span within the present one, and make it the present one until it ends.

        ``id`` is its own id, random by default, and ``at`` its begin, now by default.
        """
        ...

    def turn(
        self, work: Work, name: str, attributes: Mapping[str, Value], times: tuple[float, float], error: str
    ) -> None:
        """Record the whole span of a turn."""
        ...

    def headers(self) -> Mapping[str, str]:
        """Return the headers that tell another service the present span."""
        ...

    def ids(self) -> Mapping[str, str]:
        """Return the present trace and span for log lines."""
        ...
