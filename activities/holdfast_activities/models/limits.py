"""What a provider's headers say of its rate limits.

OpenAI and those who follow it tell the time until a limit is full again as a duration
(``6m0s``, ``250ms``), Anthropic as a date.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from holdfast_activities import clock

from .base import Remaining

MAX_WAIT = 3_600.0
"""Seconds that a provider may have us wait at most."""

_MARKS = ("x-ratelimit-remaining-", "anthropic-ratelimit-")
_OPENAI = ("x-ratelimit-remaining-{0}", "x-ratelimit-reset-{0}")
_ANTHROPIC = ("anthropic-ratelimit-{0}-remaining", "anthropic-ratelimit-{0}-reset")
_TOKENS = ("tokens", "input-tokens", "output-tokens")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|h|m|s))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0}

_Told = tuple[int | None, float | None]


def remaining(headers: Mapping[str, str], now: float | None = None) -> Remaining | None:
    """What is left, None if the headers say nothing of it, as most servers' do.

    Args:
        headers: The answer's, found by their names in lower case.
        now: Seconds since 1970, for resets told as dates; the clock's by default.
    """
    mark = next((name for name in headers if name.startswith(_MARKS)), None)
    if mark is None:
        return None
    now = clock.stated(headers) if now is None else now
    form = _OPENAI if mark.startswith("x-") else _ANTHROPIC
    requests = _told(headers, form, "requests", now)
    # If several limits on tokens are given, the one with the least left is the one that will refuse.
    kinds = [_told(headers, form, kind, now) for kind in _TOKENS]
    tokens = min((kind for kind in kinds if kind[0] is not None), key=_left, default=(None, None))
    return Remaining(requests[0], requests[1], tokens[0], tokens[1])


def wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds until a request that was refused for its rate may go out, where Retry-After does not say.

    It is the reset of what is used up; where nothing is, the later of those told, since the
    headers do not say which limit the request would have broken.
    """
    left = remaining(headers, now)
    if left is None:
        return None
    both = ((left.requests, left.requests_reset), (left.tokens, left.tokens_reset))
    used_up = [reset for count, reset in both if count == 0 and reset is not None]
    return max(used_up or [reset for _, reset in both if reset is not None], default=None)


def _told(headers: Mapping[str, str], form: tuple[str, str], kind: str, now: float) -> _Told:
    count, reset = (headers.get(name.format(kind), "") for name in form)
    # No provider has longer figures, and Python refuses to parse very long ones.
    return int(count) if count.isdecimal() and len(count) < 16 else None, _reset(reset, now)


def _left(told: _Told) -> int:
    return told[0] or 0


def _reset(text: str, now: float) -> float | None:
    """Seconds until a reset told as a duration, in seconds or as a date of RFC 3339."""
    try:
        if _DURATION.fullmatch(text):
            seconds = sum(float(figure) * _SECONDS[unit] for figure, unit in _PART.findall(text))
        elif re.fullmatch(r"\d+(?:\.\d+)?", text):
            seconds = float(text)
        else:
            seconds = datetime.fromisoformat(text).timestamp() - now
    except (ValueError, OverflowError, OSError):
        return None
    return min(max(seconds, 0.0), MAX_WAIT)
