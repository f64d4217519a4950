"""How long the body of an error asks us to wait: in a field of its own, or in words."""

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from holdfast_activities import clock

MAX_WAIT = 3_600.0
"""Seconds that a provider may have us wait at most."""

_EPOCH = 1e9  # a larger figure is a time since 1970, a thousand times as large one in milliseconds
_FIELDS = frozenset(
    {
        "retrydelay",
        "retryafter",
        "retryafterseconds",
        "retryaftersec",
        "retryafterms",
        "estimatedtime",
        "xratelimitreset",
    }
)
_UNITS = {"ms": 0.001, "mi": 60.0, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_UNIT = r"(?:milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)"
_FIGURE = r"\d{1,12}(?:\.\d{1,12})?"
_PART = re.compile(rf"(?i)({_FIGURE})\s*({_UNIT})(?![a-z])")
_DURATION = rf"{_FIGURE}\s*{_UNIT}(?![a-z])(?:[\s,]*(?:and\s+)?{_FIGURE}\s*{_UNIT}(?![a-z]))*"
_DATE = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?\s*(?:Z|UTC|[+-]\d\d:?\d\d)"
_ASKED = re.compile(
    r"(?i)\b(?:try(?:ing)?\b[^.,;\d]{0,20}\bagain|retry(?:ing)?|wait(?:ing)?|available(?: again)?|resets?|resetting)\b"
    rf"[^.,;\d]{{0,40}}?(?P<when>{_DATE}|{_DURATION})"
)
_BARE = re.compile(r"(?i)\bretry[-_ ]?after\W{0,3}(\d{1,12}(?:\.\d{1,12})?)(?![\d.-])")
_CHINESE = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)\s*(毫秒|秒|分钟|小时)(?:钟)?(?:之?后|再)")
_CHINESE_UNITS = {"毫秒": 0.001, "秒": 1.0, "分钟": 60.0, "小时": 3_600.0}
_READ = 4_000  # characters that are looked through


def bounded(seconds: float) -> float | None:
    """Clamp a wait to its bounds; None for NaN."""
    return min(max(seconds, 0.0), MAX_WAIT) if seconds == seconds else None  # noqa: PLR0124 - NaN is not itself


def of_field(name: str, value: Any) -> float | None:
    """Seconds that a field asks for; None if it is another field, or says nothing.

    Args:
        name: Its name in lower case: ``retryDelay`` of Google's ``RetryInfo``, ``retry_after`` …
        value: A number, a duration or a date as text, or ``{"seconds": …, "nanos": …}``.
    """
    plain = re.sub("[^a-z]", "", name)
    if plain not in _FIELDS or isinstance(value, bool):
        return None
    try:
        seconds = _of_value(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if seconds is None:
        return None
    if seconds > _EPOCH:
        since = seconds / 1_000 if seconds > _EPOCH * 1_000 else seconds
        return bounded(since - clock.now())
    if plain == "xratelimitreset":
        return None  # a figure that is no time: of what, its provider alone knows
    return bounded(seconds / 1_000 if plain.endswith("ms") else seconds)


def _of_value(value: Any) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        return float(parts.get("seconds") or 0) + float(parts.get("nanos") or 0) / 1e9
    text = str(value).strip()
    if re.fullmatch(r"\d{1,15}(?:\.\d{1,12})?", text):
        return float(text)
    if re.fullmatch(_DURATION, text, re.IGNORECASE):
        return _duration(text)
    return _until(text) if re.match(r"\d{4}-|[A-Z][a-z]{2}, ", text) else None


def in_words(text: str) -> float | None:
    """Seconds that an error's words ask for: "try again in 1m30s", "Please retry in 12.5s", "retry after 28 seconds"."""
    text = text[:_READ]
    if found := _ASKED.search(text):
        when = found["when"]
        try:
            return bounded(_until(when) if re.match(r"\d{4}-", when) else _duration(when))
        except (ValueError, OverflowError):
            return None
    if found := _BARE.search(text):
        return bounded(float(found[1]))
    if found := _CHINESE.search(text):
        return bounded(float(found[1]) * _CHINESE_UNITS[found[2]])
    return None


def _duration(text: str) -> float:
    return sum(float(figure) * _unit(unit.lower()) for figure, unit in _PART.findall(text))


def _unit(unit: str) -> float:
    if unit in {"m", "min", "mins", "minute", "minutes"}:
        return 60.0
    return _UNITS["ms" if unit.startswith(("ms", "milli")) else unit[0]]


def _until(text: str) -> float:
    """Seconds until a date of RFC 3339 or of HTTP."""
    if text[0].isdigit():
        at = datetime.fromisoformat(re.sub(r"\s*(?:UTC|Z)$", "+00:00", text))
        return at.timestamp() - clock.now()
    return parsedate_to_datetime(text).timestamp() - clock.now()
