"""The rate limits that a provider reports in headers.

OpenAI and compatible servers report the time until a reset as a duration (``6m0s``,
``250ms``), Anthropic as a date.
"""

from collections.abc import Mapping

from holdfast_activities import clock

from .base import Remaining
from .errors import waits

_MARKS = ("x-ratelimit-remaining-", "anthropic-ratelimit-")
_OPENAI = ("x-ratelimit-remaining-{0}", "x-ratelimit-reset-{0}")
_ANTHROPIC = ("anthropic-ratelimit-{0}-remaining", "anthropic-ratelimit-{0}-reset")
_TOKENS = ("tokens", "input-tokens", "output-tokens")

_Limit = tuple[int | None, float | None]


def remaining(headers: Mapping[str, str], now: float | None = None) -> Remaining | None:
    """What remains by the headers (lower-case names); None if they report nothing, as most servers' do.

    ``now`` is in seconds since 1970, for resets given as dates.
    """
    mark = next((name for name in headers if name.startswith(_MARKS)), None)
    if mark is None:
        return None
    now = clock.stated(headers) if now is None else now
    form = _OPENAI if mark.startswith("x-") else _ANTHROPIC
    requests = _limit(headers, form, "requests", now)
    # Of several limits on tokens, the one with the least left will refuse first.
    kinds = [_limit(headers, form, kind, now) for kind in _TOKENS]
    tokens = min((kind for kind in kinds if kind[0] is not None), key=_left, default=(None, None))
    return Remaining(*requests, *tokens)


def wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds until a refused request may be sent, for answers without Retry-After.

    It is the reset of an exhausted limit. If none is exhausted, it is the latest reset, since
    the headers do not name the limit that the request would exceed.
    """
    left = remaining(headers, now)
    if left is None:
        return None
    both = ((left.requests, left.requests_reset), (left.tokens, left.tokens_reset))
    used_up = [reset for count, reset in both if count == 0 and reset is not None]
    return max(used_up or [reset for _, reset in both if reset is not None], default=None)


def _limit(headers: Mapping[str, str], form: tuple[str, str], kind: str, now: float) -> _Limit:
    count, reset = (headers.get(name.format(kind), "") for name in form)
    try:
        seconds = waits.seconds(reset, now)
    except (ValueError, OverflowError, OSError):
        seconds = None
    # No provider reports longer figures, and Python refuses to parse very long ones.
    number = int(count) if count.isdecimal() and len(count) < 16 else None
    return number, None if seconds is None else waits.bounded(seconds)


def _left(limit: _Limit) -> int:
    return limit[0] or 0
