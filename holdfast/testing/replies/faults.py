"""Faults of fifteen kinds, chosen by a seed: the same in every run, in any order of requests."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Literal

from ..server.requests import Request, Seen
from .replies import (
    Reply,
    call,
    context_too_long,
    failed,
    garbage,
    hang,
    html,
    overloaded,
    rate_limited,
    reset,
    say,
)

Answer = Callable[[Request], Reply]
"""A script that answers each request by its content."""

_NUMBERED = re.compile(rb'"tool_(?:call|use)_id":\s*"(?:ok|fault)_(\d+)')


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes:
        name: The name that ``Seen.fault`` shows.
        ends: What happens to the call. ``retried``: it is retried, or another provider is called. ``waited``:
            the same, after the seconds that the answer gives. ``changed``: it is retried once with another
            prompt. ``returned``: the error is returned to the model. ``failed``: the turn ends with the error.
        code: The error code of a turn that ends because the fault persists.
        make: The answer to a request; the number is the wait in seconds that it reports.
    """

    name: str
    ends: Literal["retried", "waited", "changed", "returned", "failed"]
    code: str
    make: Callable[[Request, float], Reply]


def _limited_date(request: Request, after: float) -> Reply:
    return rate_limited(datetime.fromtimestamp(_date(request.at, after), UTC))


def _error_object(_: Request, __: float) -> Reply:
    return Reply(raw=b'{"error":{"type":"server_error","message":"The upstream failed.","code":null}}')


def _filtered(request: Request, _: float) -> Reply:
    if request.wire == "openai":
        return say("I ", finish="content_filter")
    # Anthropic reports the filter as an error; the finish reason means a refusal.
    return failed(400, "Output blocked by content filtering policy")


def _bad_arguments(request: Request, _: float) -> Reply:
    return call(next(iter(request.tools), "no_such_tool"), '{"half": ')


FAULTS: tuple[Fault, ...] = (
    Fault("limited_seconds", "waited", "rate_limited", lambda _, after: rate_limited(after)),
    Fault("limited_ms", "waited", "rate_limited", lambda _, after: rate_limited(ms=int(after * 1_000))),
    Fault("limited_date", "waited", "rate_limited", _limited_date),
    Fault("unavailable", "retried", "model_transient", lambda _, __: failed(503, "Not now.")),
    Fault("overloaded", "retried", "model_transient", lambda _, __: overloaded()),
    Fault("hang", "retried", "model_transient", lambda _, __: hang()),
    Fault("reset", "retried", "model_transient", lambda _, __: reset()),
    Fault("cut", "retried", "model_transient", lambda _, __: say("This is cut off. " * 9, cut_at=150)),
    Fault("html", "retried", "malformed_reply", lambda _, __: html()),
    Fault("garbage", "retried", "malformed_reply", lambda _, __: garbage()),
    Fault("error_object", "retried", "model_transient", _error_object),
    Fault("too_long", "changed", "context_too_long", lambda _, __: context_too_long()),
    Fault("filtered", "changed", "content_filtered", _filtered),
    Fault("refused", "failed", "model_refused", lambda _, __: say("I will not.", finish="refusal")),
    Fault("bad_arguments", "returned", "tool_arguments_invalid", _bad_arguments),
)
"""Every kind."""


class Faults:
    """A script with faults in it.

    The seed, the conversation (the beginning of its first user message) and the request's
    number in the conversation determine the fault. A test can compute it before the run, and
    sessions do not change each other's faults.

    For ``script``, ``Request.results`` counts the results of the script's calls: it excludes
    calls made by a fault, and includes results that the client dropped from a long prompt.
    """

    def __init__(
        self,
        script: Answer,
        seed: int,
        rate: float = 0.3,
        *,
        kinds: Sequence[Fault] = FAULTS,
        after: float = 1.0,
    ) -> None:
        """Faults in ``script``.

        Args:
            script: The answers without a fault.
            seed: Determines the faults.
            rate: The average fraction of requests that fail.
            kinds: The faults to choose from.
            after: Retry-After of a rate limit, in seconds; in a date it is rounded up to whole seconds.
        """
        self._script = script
        self._seed = seed
        self._rate = rate
        self._kinds = kinds
        self._after = after
        self._asked = Counter[str]()

    def fault(self, conversation: str, number: int) -> Fault | None:
        """The fault for the conversation's request of that number (from 1), if any."""
        digest = blake2b(f"{self._seed} {number} {conversation}".encode(), digest_size=16).digest()
        if int.from_bytes(digest[:8]) >= self._rate * 2**64:
            return None
        return self._kinds[int.from_bytes(digest[8:]) % len(self._kinds)]

    def wait(self, seen: Seen) -> float | None:
        """The wait in seconds that the answer to a request reported, if any."""
        if not seen.fault.startswith("limited_"):
            return None
        return _date(seen.at, self._after) - seen.at if seen.fault == "limited_date" else self._after

    def __call__(self, request: Request) -> Reply:
        """The answer to a request."""
        numbers = _NUMBERED.findall(request.body)
        if numbers:
            request.results = int(numbers[-1])
        self._asked[request.conversation] += 1
        number = self._asked[request.conversation]
        fault = self.fault(request.conversation, number)
        if fault is None:
            return _numbered(self._script(request), "ok_{}", request.results + 1)
        made = replace(fault.make(request, self._after), fault=fault.name)
        return _numbered(made, f"fault_{request.results}_{number}_{{}}", 0)


def _numbered(reply: Reply, form: str, first: int) -> Reply:
    """The reply with ids that show, in any later prompt, the number of the script's results."""
    calls = tuple(replace(made, id=form.format(first + i)) for i, made in enumerate(reply.calls))
    return replace(reply, calls=calls)


def _date(now: float, after: float) -> float:
    return math.ceil(now + after)
