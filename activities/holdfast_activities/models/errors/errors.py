"""From whatever went wrong at a provider to the one error that says what it means."""

import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from holdfast_activities import clock
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
from holdfast_workflows.contracts.text.unicode import preview, redact

from . import body as error_body
from . import waits
from . import words as error_words
from .body import Told

_SHOWN = 400  # characters of a provider's words in an error
_NOT_THE_PROMPT = (401, 402, 404, 429)
_NOT_THE_FILTER = (401, 402, 404, 429)
# Without punctuation and what many end in: RateLimitError, rate_limit_error and rate_limit are one.
_BY_KIND: dict[str, int] = {
    "overloaded": 529,
    "engineoverloaded": 503,
    "api": 500,
    "server": 500,
    "internalserver": 500,
    "internal": 500,
    "upstream": 502,
    "unavailable": 503,
    "serviceunavailable": 503,
    "modelnotready": 503,
    "timeout": 504,
    "modeltimeout": 504,
    "deadlineexceeded": 504,
    "ratelimit": 429,
    "ratelimitexceeded": 429,
    "ratelimitreached": 429,
    "toomanyrequests": 429,
    "throttling": 429,
    "resourceexhausted": 429,
    "servicequotaexceeded": 429,
    "insufficientquota": 429,
    "invalidrequest": 400,
    "invalidargument": 400,
    "invalidparameter": 400,
    "failedprecondition": 400,
    "badrequest": 400,
    "validation": 400,
    "exceedcontextsize": 400,
    "contextlengthexceeded": 400,
    "contextwindowexceeded": 400,
    "requesttoolarge": 413,
    "contentfilter": 400,
    "unprocessableentity": 422,
    "authentication": 401,
    "unauthenticated": 401,
    "unauthorized": 401,
    "invalidapikey": 401,
    "billing": 402,
    "permission": 403,
    "permissiondenied": 403,
    "accessdenied": 403,
    "notfound": 404,
    "modelnotfound": 404,
    "resourcenotfound": 404,
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
            seconds = _seconds(headers["retry-after"], clock.stated(headers) if now is None else now)
        else:
            return None
    except (ValueError, TypeError, OverflowError):
        return None
    return waits.bounded(seconds)


def _seconds(value: str, now: float) -> float:
    try:
        return float(value)
    except ValueError:
        return parsedate_to_datetime(value).timestamp() - now


def from_status(
    name: str, status: int, headers: Mapping[str, str], body: bytes, secret: str = ""
) -> ModelError:
    """The error for an HTTP answer that is not a success."""
    return from_body(name, status, headers, error_body.parsed(body), secret)


def from_body(name: str, status: int, headers: Mapping[str, str], body: Any, secret: str = "") -> ModelError:
    """The error for an HTTP answer that is not a success, whose body is parsed already."""
    told = error_body.read(body)
    said = f"{name} answered {status}: {sanitise(told.words, secret)}"
    return _by_status(status, told, said, headers)


def from_problem(name: str, problem: Any, secret: str = "") -> ModelError:
    """The error for a problem told with status 200, in an answer or an event of a stream, in any shape."""
    told = error_body.read(problem)
    status = _by_codes(told.codes) or error_words.status(told.words)
    return _by_status(status, told, f"{name} reported an error: {sanitise(told.words, secret)}", {})


def _by_codes(codes: Iterable[str]) -> int | None:
    """The status that the first known code or type stands for."""
    for code in codes:
        plain = re.sub("[^a-z0-9]", "", code.rpartition("#")[2].lower())
        known = error_body.status_told([code]) or _BY_KIND.get(re.sub("(?:error|exception)$", "", plain))
        if known:
            return known
    return None


def _by_status(status: int, told: Told, said: str, headers: Mapping[str, str]) -> ModelError:
    words = told.words
    if _is_too_long(status, words):
        error = ContextTooLong(said)
        error.fits = error_words.fits(words)
        return error
    if status not in _NOT_THE_FILTER and (told.filtered or error_words.filtered(words)):
        return ContentFiltered(said)
    if status == 402 or error_words.unpaid(words):
        return ProviderQuota(said)
    if status == 400 and error_words.bad_call(words):
        return MalformedReply(said)
    asked = headers.get("x-should-retry")
    passes = status in (408, 409, 425, 429, 498) or status >= 500 or asked == "true"
    if not passes or asked == "false":
        rejected = ModelRejected(said)
        rejected.account = status == 401 or (status < 500 and error_words.bad_key(words))
        return rejected
    wait = retry_after(headers)
    if not wait and told.wait is not None:
        wait = told.wait
    return (RateLimited if status == 429 else ModelTransient)(said, retry_after=wait)


def _is_too_long(status: int, words: str) -> bool:
    if status == 429:
        return error_words.alone_over_the_limit(words)
    if status == 413 and not error_words.something_else(words):
        return True
    return status not in _NOT_THE_PROMPT and error_words.too_long(words)


def from_exception(name: str, error: Exception, secret: str = "") -> ModelError:
    """The error for an exception of the HTTP client, or for the end of the time the call had."""
    import httpx  # slow to load: only when a model is called

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
