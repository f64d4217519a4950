"""The root of the error tree."""

from typing import ClassVar

from ..text.unicode import clean

_MAX_MESSAGE = 2_000

KINDS = frozenset(
    {
        "transient",
        "rate_limit",
        "context_length",
        "content_filter",
        "refusal",
        "malformed_output",
        "tool",
        "permanent",
        "quota",
        "unknown",
    }
)
"""The sorts of failure; every error is of one."""


class HoldfastError(Exception):
    """Holdfast could not do what was asked."""

    code: ClassVar[str] = "holdfast"
    kind: ClassVar[str] = "permanent"
    retryable: bool = False
    fallback: ClassVar[bool] = False
    id: str = ""
    """Of the turn that ended with it: what a user can quote, since the worker's log and the history have it."""

    def __init__(
        self, detail: str = "", *, retry_after: float | None = None, retryable: bool | None = None
    ) -> None:
        """An error whose message is the class's docstring, then ``detail``.

        Args:
            detail: What happened this time: names, figures.
            retry_after: Seconds the other side asked us to wait, if it did.
            retryable: Whether trying again may help this time, where that is not as the class says.
        """
        self.detail = clean(detail)[:_MAX_MESSAGE]
        self.retry_after = retry_after
        if retryable is not None:
            self.retryable = retryable
        text = " ".join((type(self).__doc__ or "").split())
        super().__init__(f"{text} ({self.detail})" if self.detail else text)
