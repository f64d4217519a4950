"""From whatever went wrong at a provider to the one error that says what it means."""

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from holdfast_workflows.contracts.errors import (
    ContentFiltered,
    ContextTooLong,
    MalformedReply,
    ModelError,
    ModelRejected,
    ModelTransient,
    ProviderQuota,
    RateLimited,
)
from holdfast_workflows.contracts.text import preview, redact

_MAX_WAIT = 3_600.0  # seconds; what a provider may ask us to wait at most
_SHOWN = 400  # characters of a provider's words in an error
_TOO_LONG = re.compile(
    r"(?i)context_length_exceeded|exceed_context_size|context (?:length|window|size|limit)|prompt is too long|"
    r"(?:input|prompt|request)[^.]{0,40} too (?:long|large|many tokens)|too many (?:input )?tokens|request_too_large"
)
_FILTERED = re.compile(r"(?i)content.?filter|responsible.?ai")
# Only what never means a rate limit: some say "quota" of what is free again in a minute.
_UNPAID = re.compile(
    r"(?i)insufficient[_ ](?:quota|credit|balance|funds)|billing_(?:hard_limit|not_active|error)|"
    r"credit balance is too low|out of credits|payment required"
)
_BY_KIND: dict[str, int] = {
    "overloaded_error": 529,
    "api_error": 500,
    "server_error": 500,
    "timeout_error": 504,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
}


def sanitise(text: str, secret: str = "") -> str:
    """A provider's words on one line, cut short, with nothing in them that looks like a key."""
    return preview(redact(text[: _SHOWN * 8], secret), _SHOWN)


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds the provider asks us to wait: retry-after-ms, else Retry-After in seconds or as an HTTP date."""
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1_000
        elif "retry-after" in headers:
            seconds = _seconds(headers["retry-after"], time.time() if now is None else now)
        else:
            return None
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), _MAX_WAIT) if seconds == seconds else None  # noqa: PLR0124 - NaN is not itself


def _seconds(value: str, now: float) -> float:
    try:
        return float(value)
    except ValueError:
        return parsedate_to_datetime(value).timestamp() - now


def from_status(
    name: str, status: int, headers: Mapping[str, str], body: bytes, secret: str = ""
) -> ModelError:
    """The error for an HTTP answer that is not a success."""
    try:
        problem = json.loads(body)
        problem = problem.get("error", problem)
    except (ValueError, RecursionError, AttributeError):
        problem = body.decode(errors="replace")
    words = _words(problem)
    said = f"{name} answered {status}: {sanitise(words, secret)}"
    return _by_status(status, words, said, headers)


def from_problem(name: str, problem: Any, secret: str = "") -> ModelError:
    """The error for a problem told with status 200: an error object, or an error event in a stream."""
    words = _words(problem)
    status = 500
    if isinstance(problem, dict):
        told: list[Any] = [problem.get(key) for key in ("code", "type", "status")]  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType] - JSON
        known = (_BY_KIND.get(str(value)) or _status(str(value)) for value in told)
        status = next((value for value in known if value), status)
    return _by_status(status, words, f"{name} reported an error: {sanitise(words, secret)}", {})


def _status(told: str) -> int | None:
    """A status that is told as a code, by some as a number and by some as a text."""
    return int(told) if re.fullmatch("[45][0-9]{2}", told) else None


def _words(problem: Any) -> str:
    if isinstance(problem, dict):
        parts = (problem.get(key) for key in ("code", "type", "message"))  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType] - JSON
        return " ".join(str(part) for part in parts if part)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - JSON
    return str(problem)


def _by_status(status: int, words: str, said: str, headers: Mapping[str, str]) -> ModelError:
    if status in (400, 413, 422) and (status == 413 or _TOO_LONG.search(words)):
        return ContextTooLong(said)
    if status in (400, 403) and _FILTERED.search(words):
        return ContentFiltered(said)
    if status == 402 or _UNPAID.search(words):
        return ProviderQuota(said)
    told = headers.get("x-should-retry")
    passes = status in (408, 409, 425, 429) or status >= 500 or told == "true"
    if not passes or told == "false":
        return ModelRejected(said)
    return (RateLimited if status == 429 else ModelTransient)(said, retry_after=retry_after(headers))


def from_exception(name: str, error: Exception, secret: str = "") -> ModelError:
    """The error for an exception of the HTTP client, or for the end of the time the call had."""
    what = f"{name}: {type(error).__name__} {sanitise(str(error), secret)}".strip()
    if isinstance(error, httpx.DecodingError):
        return MalformedReply(what)
    # A header or URL that cannot be sent: its text may hold the key, so it is not repeated.
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol | httpx.InvalidURL):
        return ModelRejected(
            f"{name}: {type(error).__name__}; the base URL, a header or the key is not well formed"
        )
    return ModelTransient(what)


def malformed(name: str, what: str, sample: bytes = b"", secret: str = "") -> MalformedReply:
    """The error for an answer that is not what the interface promises, with its beginning."""
    shown = sanitise(sample[: _SHOWN * 2].decode(errors="replace"), secret)
    return MalformedReply(f"{name}: {what}{': ' if shown else ''}{shown}")


def cut_off(name: str) -> ModelTransient:
    """The error for a stream that ended in good order before its answer did."""
    return ModelTransient(f"{name}: the stream ended before the answer did")
