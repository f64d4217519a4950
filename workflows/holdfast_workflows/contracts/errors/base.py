"""The root of the error tree."""

import copyreg
from typing import Any, ClassVar

from ..public import public
from ..text.unicode import clean

_MAX_MESSAGE = 2_000

_HERE = __name__.rpartition(".")[0]
"""The package of Holdfast's own errors; users may derive theirs."""

KINDS = frozenset({
    "transient", "rate_limit", "context_length", "content_filter", "refusal", "malformed_output", "tool",
    "permanent", "quota", "unknown",
})  # fmt: skip
"""The sorts of failure; every error is of one."""


@public
class HoldfastError(Exception):
    """The request failed."""

    code: ClassVar[str] = "holdfast"
    kind: ClassVar[str] = "permanent"
    retryable: bool = False
    fallback: ClassVar[bool] = False
    id: str = ""
    """Of a turn's error: an id that users can quote; the worker's log and the history contain it."""

    def __init_subclass__(
        cls,
        *,
        code: str | None = None,
        kind: str | None = None,
        retryable: bool | None = None,
        fallback: bool | None = None,
    ) -> None:
        """Set the attributes of an error class; a missing one is inherited. Our own are public."""
        super().__init_subclass__()
        given = {"code": code, "kind": kind, "retryable": retryable, "fallback": fallback}
        for name, value in given.items():
            if value is not None:
                setattr(cls, name, value)
        if cls.__module__.startswith(_HERE):
            public(cls)

    def __init__(
        self, detail: str = "", *, retry_after: float | None = None, retryable: bool | None = None
    ) -> None:
        """Create an error whose message is the class's docstring, followed by ``detail``.

        ``retry_after`` is in seconds. ``retryable`` overrides the class's value.
        """
        self.detail = clean(detail)[:_MAX_MESSAGE]
        self.retry_after = retry_after
        if retryable is not None:
            self.retryable = retryable
        text = " ".join((type(self).__doc__ or "").split())
        super().__init__(f"{text} ({self.detail})" if self.detail else text)

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is pickled by a call of its class with its message, which here is not an argument.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]  # not in typeshed
