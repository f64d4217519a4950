import asyncio
import sqlite3
from datetime import timedelta

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from temporalio import exceptions as temporal
from temporalio.service import RPCError, RPCStatusCode

from holdfast_activities.resilience.classify import classify
from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.errors import (
    KINDS,
    BudgetExhausted,
    ContentFiltered,
    ContextTooLong,
    HoldfastError,
    MalformedReply,
    ModelRefused,
    ModelRejected,
    ModelTransient,
    ProviderQuota,
    RateLimited,
    StateUnavailable,
    TemporalUnreachable,
    ToolFailed,
    TurnCancelled,
    Unclassified,
    to_failure,
)


def answer(status: int, body: str = "", **headers: str) -> httpx.HTTPStatusError:
    """What httpx raises for an answer that is not a success."""
    request = httpx.Request("POST", "https://api.example.com/v1?key=hidden")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx.Response(status, headers=named, text=body, request=request)
    return httpx.HTTPStatusError("refused", request=request, response=response)


OF_EACH_KIND: list[tuple[str, BaseException, type[HoldfastError]]] = [
    ("transient", answer(503), ModelTransient),
    ("transient", httpx.ConnectError("refused"), ModelTransient),
    ("transient", TimeoutError(), ModelTransient),
    ("transient", ConnectionResetError("by peer"), ModelTransient),
    ("transient", sqlite3.OperationalError("database is locked"), StateUnavailable),
    ("transient", asyncpg.ConnectionDoesNotExistError("gone"), StateUnavailable),
    ("transient", OperationalError("select 1", None, Exception("down")), StateUnavailable),
    ("transient", RPCError("no", RPCStatusCode.UNAVAILABLE, b""), TemporalUnreachable),
    ("rate_limit", answer(429, retry_after="7"), RateLimited),
    ("context_length", answer(400, '{"error": {"code": "context_length_exceeded"}}'), ContextTooLong),
    ("content_filter", answer(400, '{"error": {"code": "content_filter"}}'), ContentFiltered),
    ("refusal", ModelRefused("no"), ModelRefused),
    ("malformed_output", httpx.DecodingError("not gzip"), MalformedReply),
    ("tool", ToolFailed("broke"), ToolFailed),
    ("permanent", answer(401), ModelRejected),
    ("permanent", asyncio.CancelledError(), TurnCancelled),
    ("permanent", temporal.CancelledError(), TurnCancelled),
    ("quota", answer(402), ProviderQuota),
    ("quota", to_failure(BudgetExhausted("of the run")), BudgetExhausted),
    ("unknown", ValueError("what is this"), Unclassified),
    ("unknown", FileNotFoundError(2, "no such file"), Unclassified),
]


@pytest.mark.parametrize(("kind", "error", "expected"), OF_EACH_KIND)
def test_every_exception_becomes_one_typed_error(
    kind: str, error: BaseException, expected: type[HoldfastError]
) -> None:
    found = classify(error)
    assert type(found) is expected
    assert found.kind == kind


def test_no_kind_is_left_out() -> None:
    assert {kind for kind, _, _ in OF_EACH_KIND} == KINDS
    assert {cls.kind for cls in errors.tree().values()} <= KINDS


def test_a_typed_error_is_not_changed() -> None:
    error = RateLimited("slow down", retry_after=3)
    assert classify(error, ToolFailed) is error


@pytest.mark.parametrize(("error", "retryable", "wait"), [
    (answer(503, retry_after="7"), True, 7.0),
    (answer(404), False, None),
    (httpx.ReadTimeout("slow"), True, None),
    (sqlite3.OperationalError("locked"), True, None),
    (ValueError("bad"), True, None),
    (temporal.ApplicationError("no", non_retryable=True), False, None),
    (temporal.ApplicationError("later", next_retry_delay=timedelta(seconds=4)), True, 4.0),
])  # fmt: skip
def test_what_fails_within_a_tool_is_the_tools_failure(
    error: Exception, retryable: bool, wait: float | None
) -> None:
    found = classify(error, ToolFailed)
    assert type(found) is ToolFailed
    assert (found.retryable, found.retry_after) == (retryable, wait)


def test_an_error_that_temporal_carried_is_the_same_again() -> None:
    sent = RateLimited("slow down", retry_after=3)
    found = classify(to_failure(sent))
    assert (type(found), found.detail, found.retry_after) == (RateLimited, "slow down", 3.0)


def test_what_is_said_of_an_attempt_does_not_change_what_the_error_is() -> None:
    spent = to_failure(RateLimited("slow down", retry_after=90), retry={"again": False, "delay": None})
    assert (spent.non_retryable, spent.next_retry_delay) == (True, None)
    found = classify(spent)
    assert (found.retryable, found.retry_after) == (True, 90)


def test_of_errors_that_came_together_one_that_does_not_pass_counts() -> None:
    group = ExceptionGroup("two", [TimeoutError(), ExceptionGroup("inner", [answer(401)])])
    assert type(classify(group)) is ModelRejected


@pytest.mark.parametrize("text", [
    "Incorrect API key provided: sk-proj-supersecret****wxyz",
    "headers: {'Authorization': 'Bearer supersecretvalue'}",
    "headers: Authorization=Basic c3VwZXJzZWNyZXQ=",
    "cannot connect to postgresql://user:supersecret@host/db",
    "GET https://host/path?api_key=supersecret&page=1",
    '{"password": "supersecret"}',
    "token: supersecret1234",
])  # fmt: skip
@pytest.mark.parametrize("otherwise", [Unclassified, ToolFailed])
def test_a_secret_in_an_exceptions_text_is_struck_out(text: str, otherwise: type[HoldfastError]) -> None:
    shown = str(classify(RuntimeError(text), otherwise))
    assert "[redacted:" in shown
    assert "supersecret" not in shown
    assert "c3VwZXJz" not in shown


@pytest.mark.parametrize("text", [
    "FOREIGN KEY constraint failed: key_constraint_violation",
    "see the API documentation for basic education",
    "Unexpected token: identifier, max_tokens: 4096",
    "https://host:8080/a@b is not there",
])  # fmt: skip
def test_plain_words_are_left_as_they_are(text: str) -> None:
    assert text in str(classify(RuntimeError(text), ToolFailed))


def test_a_header_that_cannot_be_sent_is_not_repeated() -> None:
    for otherwise in (Unclassified, ToolFailed):
        error = classify(httpx.LocalProtocolError("Illegal header value b'topsecret'"), otherwise)
        assert "topsecret" not in str(error)


@given(
    st.text(alphabet=st.characters(), max_size=300), st.sampled_from([ValueError, OSError, httpx.ReadError])
)
def test_any_text_is_made_safe(text: str, kind: type[Exception]) -> None:
    for otherwise in (Unclassified, ToolFailed):
        shown = str(classify(kind(text + "\x00\ud800"), otherwise))
        assert "\x00" not in shown
        shown.encode()


@pytest.mark.parametrize("part", ["key-", "token:", "a-", "://a:", "bearer ", "password' : '", "eyJ."])
def test_long_text_made_to_be_slow_is_not(part: str) -> None:
    # Bounded by the test's own time limit: without bounds in the patterns it takes minutes.
    classify(RuntimeError(part * 100_000))
