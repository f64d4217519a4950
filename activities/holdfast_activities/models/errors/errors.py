"""Classifying a provider's failures as errors of the contract."""

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
from holdfast_workflows.contracts.text.redaction import redact_error
from holdfast_workflows.contracts.text.unicode import preview

from . import body as error_body
from . import waits
from . import words as error_words
from .body import ErrorContent

_SHOWN = 400  # characters of a provider's words in an error
_NOT_THE_CONTENT = (401, 402, 404, 429)
# Without punctuation and the ending: RateLimitError, rate_limit_error and rate_limit are equal.
_STATUS_WORDS = {
    400: "invalidrequest invalidargument invalidparameter failedprecondition badrequest validation "
    "exceedcontextsize contextlengthexceeded contextwindowexceeded contentfilter",
    401: "authentication unauthenticated unauthorized invalidapikey",
    402: "billing",
    403: "permission permissiondenied accessdenied",
    404: "notfound modelnotfound resourcenotfound",
    413: "requesttoolarge",
    422: "unprocessableentity",
    429: "ratelimit ratelimitexceeded ratelimitreached toomanyrequests throttling resourceexhausted "
    "servicequotaexceeded insufficientquota",
    500: "api server internalserver internal",
    502: "upstream",
    503: "engineoverloaded unavailable serviceunavailable modelnotready",
    504: "timeout modeltimeout deadlineexceeded",
    529: "overloaded",
}
_BY_KIND = {word: status for status, words in _STATUS_WORDS.items() for word in words.split()}


def sanitise(text: str, secret: str = "") -> str:
    """A provider's words on one line, cut short, without anything that looks like a key."""
    return preview(redact_error(text[: _SHOWN * 8], secret), _SHOWN)


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait by retry-after-ms, else by Retry-After in seconds or as an HTTP date."""
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
    """The error for an HTTP answer that is not a success, with its body parsed."""
    content = error_body.read(body)
    return _by_status(
        status, content, f"{name} answered {status}: {sanitise(content.words, secret)}", headers
    )


def from_problem(name: str, problem: Any, secret: str = "") -> ModelError:
    """The error for a problem reported with status 200, in an answer or an event of a stream."""
    content = error_body.read(problem)
    status = _by_codes(content.codes) or error_words.status(content.words)
    return _by_status(status, content, f"{name} reported an error: {sanitise(content.words, secret)}", {})


def _by_codes(codes: Iterable[str]) -> int | None:
    """The status of the first known code or type; some send a status as a code."""
    for code in codes:
        plain = re.sub("[^a-z0-9]", "", code.rpartition("#")[2].lower())
        if re.fullmatch("[45][0-9]{2}", code):
            return int(code)
        if known := _BY_KIND.get(re.sub("(?:error|exception)$", "", plain)):
            return known
    return None


def _by_status(status: int, content: ErrorContent, detail: str, headers: Mapping[str, str]) -> ModelError:
    words = content.words
    if _is_too_long(status, words):
        error = ContextTooLong(detail)
        error.fits = error_words.fits(words)
        return error
    if status not in _NOT_THE_CONTENT and (content.filtered or error_words.filtered(words)):
        return ContentFiltered(detail)
    if status == 402 or error_words.unpaid(words):
        return ProviderQuota(detail)
    if status == 400 and error_words.bad_call(words):
        return MalformedReply(detail)
    should_retry = headers.get("x-should-retry")
    transient = status in (408, 409, 425, 429, 498) or status >= 500 or should_retry == "true"
    if not transient or should_retry == "false":
        rejected = ModelRejected(detail)
        rejected.account = status == 401 or (status < 500 and error_words.bad_key(words))
        return rejected
    wait = retry_after(headers)
    if not wait and content.wait is not None:
        wait = content.wait
    return (RateLimited if status == 429 else ModelTransient)(detail, retry_after=wait)


def _is_too_long(status: int, words: str) -> bool:
    if status == 429:
        return error_words.alone_over_the_limit(words)
    if status == 413 and not error_words.something_else(words):
        return True
    return status not in _NOT_THE_CONTENT and error_words.too_long(words)


def from_exception(name: str, error: Exception, secret: str = "") -> ModelError:
    """The error for an exception of the HTTP client, or for a timeout."""
    import httpx  # slow to load: only when a model is called

    what = f"{name}: {type(error).__name__} {sanitise(str(error), secret)}".strip()
    if isinstance(error, httpx.DecodingError):
        return MalformedReply(what)
    # A header or URL that cannot be sent. Its text may contain the key, so it is not repeated.
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol | httpx.InvalidURL):
        return ModelRejected(f"{name}: {type(error).__name__}; check the base URL, the headers and the key")
    return ModelTransient(what)


def malformed(name: str, what: str, sample: bytes = b"", secret: str = "") -> MalformedReply:
    """The error for an answer without the interface's shape, with a sample of it."""
    shown = sanitise(sample[: _SHOWN * 2].decode(errors="replace"), secret)
    return MalformedReply(f"{name}: {what}{': ' if shown else ''}{shown}")


def cut_off(name: str) -> ModelTransient:
    """The error for a stream that ended before its answer did."""
    return ModelTransient(f"{name}: the stream ended before the answer did")
