"""Faults of fifteen kinds, dealt out by a seed: the same ones in every run, in whatever order requests come."""

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
        name: Its name, as ``Seen.fault`` tells it.
        ends: What happens to the call. ``retried``: it is made again, or another provider is called. ``waited``:
            the same, after the seconds that the answer gives. ``changed``: it is made once more with another
            prompt. ``returned``: the error is returned to the model. ``failed``: the turn ends with the error.
        code: The code of the error that a turn ends with if the fault does not pass.
        make: The answer to a request; the number is the seconds that it is to tell.
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
    # Here a reply that ends so is called a refusal; the filter shows as an error.
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

    Which request fails, and how, follows from the seed, the conversation (the beginning of
    its first user message) and the request's place among those of that conversation: so a
    test can know it before the run, and sessions do not change each other's faults.

    For ``script``, ``Request.results`` counts the results of its own calls: calls made up
    by a fault are left out, and results that the client has dropped from a long prompt are
    counted still.
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
            script: What is answered otherwise.
            seed: Says which requests fail, and how.
            rate: The part of requests that fail, on average.
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
        """The fault that the conversation's request of that number (from 1) is answered with, if any."""
        digest = blake2b(f"{self._seed} {number} {conversation}".encode(), digest_size=16).digest()
        if int.from_bytes(digest[:8]) >= self._rate * 2**64:
            return None
        return self._kinds[int.from_bytes(digest[8:]) % len(self._kinds)]

    def wait(self, seen: Seen) -> float | None:
        """The seconds that the answer to a request told the client to wait, if it told any."""
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
    """The reply with ids that tell, in any later prompt, how many results the script has had."""
    calls = tuple(replace(made, id=form.format(first + i)) for i, made in enumerate(reply.calls))
    return replace(reply, calls=calls)


def _date(now: float, after: float) -> float:
    return math.ceil(now + after)
