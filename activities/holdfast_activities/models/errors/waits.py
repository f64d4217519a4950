"""The wait that an error's body asks for, in a field or in words."""

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from holdfast_activities import clock

MAX_WAIT = 3_600.0
"""The longest wait, in seconds, that a provider can ask for."""

_EPOCH = 1e9  # a larger figure is a time since 1970, in seconds or milliseconds
_FIELDS = "retrydelay retryafter retryafterseconds retryaftersec retryafterms estimatedtime xratelimitreset"
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
_READ = 4_000  # characters that are searched


def bounded(seconds: float) -> float | None:
    """Clamp a wait to its bounds; None for NaN."""
    return min(max(seconds, 0.0), MAX_WAIT) if seconds == seconds else None  # noqa: PLR0124 - NaN is not itself


def of_field(name: str, value: Any) -> float | None:
    """Seconds that a field asks for; None if it is another field or has no readable value.

    ``name`` is in lower case. ``value`` is a number, a duration or a date as text, or
    ``{"seconds": …, "nanos": …}``.
    """
    plain = re.sub("[^a-z]", "", name)
    if plain not in _FIELDS.split() or isinstance(value, bool):
        return None
    try:
        wait = _of_value(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if wait is None:
        return None
    if wait > _EPOCH:
        return bounded((wait / 1_000 if wait > _EPOCH * 1_000 else wait) - clock.now())
    if plain == "xratelimitreset":
        return None  # a figure that is not a time has an unknown unit
    return bounded(wait / 1_000 if plain.endswith("ms") else wait)


def _of_value(value: Any) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        return float(parts.get("seconds") or 0) + float(parts.get("nanos") or 0) / 1e9
    return seconds(str(value).strip(), clock.now())


def seconds(text: str, now: float) -> float | None:
    """Seconds in a text: a figure, a duration, or a date after ``now`` (seconds since 1970); None for anything else.

    Raises:
        ValueError, OverflowError, OSError: The date does not exist.
    """
    if re.fullmatch(r"\d{1,15}(?:\.\d{1,12})?", text):
        return float(text)
    if re.fullmatch(_DURATION, text, re.IGNORECASE):
        return _duration(text)
    return _date(text) - now if re.match(r"\d{4}-|[A-Z][a-z]{2}, ", text) else None


def in_words(text: str) -> float | None:
    """Seconds that an error's words ask for: "try again in 1m30s", "retry after 28 seconds"."""
    text = text[:_READ]
    if found := _ASKED.search(text):
        when = found["when"]
        try:
            return bounded(_date(when) - clock.now() if re.match(r"\d{4}-", when) else _duration(when))
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


def _date(text: str) -> float:
    """Seconds since 1970 of a date of RFC 3339 or of HTTP."""
    if text[0].isdigit():
        return datetime.fromisoformat(re.sub(r"\s*(?:UTC|Z)$", "+00:00", text)).timestamp()
    return parsedate_to_datetime(text).timestamp()
