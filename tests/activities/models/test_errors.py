import json
import time
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast_activities.models.errors.body import problem_in
from holdfast_activities.models.errors.errors import (
    from_exception,
    from_problem,
    from_status,
    retry_after,
    sanitise,
)
from holdfast_workflows.contracts.errors import (
    ContentFiltered,
    ContextTooLong,
    ModelError,
    ModelRejected,
    ModelTransient,
    ProviderQuota,
    RateLimited,
)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens."),
        (400, "prompt is too long: 205000 tokens > 200000 maximum"),
        (400, "input length and `max_tokens` exceed context limit: 198000 + 8192 > 200000"),
        (400, "the request exceeds the available context size, try increasing it"),
        (422, "Input is too long for requested model."),
        (413, "Request exceeds the maximum size"),
    ],
)
def test_providers_words_for_a_prompt_that_is_too_long_are_known(status: int, words: str) -> None:
    body = json.dumps({"error": {"message": words}}).encode()
    assert type(from_status("m", status, {}, body)) is ContextTooLong


def test_a_prompt_that_the_filter_stops_is_not_a_broken_request() -> None:
    body = b'{"error":{"message":"The response was filtered","code":"content_filter"}}'
    assert type(from_status("m", 400, {}, body)) is ContentFiltered


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (429, {"message": "Check your plan.", "code": "insufficient_quota"}),
        (
            400,
            {"message": "Your credit balance is too low to access the API.", "type": "invalid_request_error"},
        ),
        (402, {"message": "Pay."}),
        (402, {}),
        (403, {"message": "No.", "code": "billing_not_active"}),
    ],
)
def test_a_quota_that_is_used_up_is_not_waited_for(status: int, problem: dict[str, str]) -> None:
    error = from_status("m", status, {"retry-after": "20"}, json.dumps({"error": problem}).encode())
    assert type(error) is ProviderQuota
    assert (error.retryable, error.fallback, error.retry_after) == (False, True, None)


def test_a_quota_per_minute_is_a_rate_limit() -> None:
    body = b'{"error":{"message":"You exceeded your current quota, retry in 20 s.","status":"RESOURCE_EXHAUSTED"}}'
    assert type(from_status("m", 429, {}, body)) is RateLimited


@pytest.mark.parametrize("status", [401, 403, 404, 418])
def test_a_request_that_is_refused_is_not_repeated(status: int) -> None:
    error = from_status("m", status, {}, b'{"error":{"message":"The model does not exist"}}')
    assert type(error) is ModelRejected
    assert not error.retryable


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, ModelTransient),
        ({"type": "rate_limit_error", "message": "Slow down"}, RateLimited),
        ({"type": "invalid_request_error", "message": "No"}, ModelRejected),
        ({"type": "billing_error", "message": "Pay"}, ProviderQuota),
        ({"code": "context_length_exceeded", "type": "invalid_request_error"}, ContextTooLong),
        ({"code": "context_length_exceeded", "message": "Too much"}, ContextTooLong),
        ({"code": "content_filter", "type": None, "message": "The prompt"}, ContentFiltered),
        ({"code": 502, "message": "Upstream"}, ModelTransient),
        ({"code": "429", "message": "Slow down"}, RateLimited),
        ({"code": "401", "message": "Who are you?"}, ModelRejected),
        ({"message": "Nobody knows"}, ModelTransient),
        ("words alone", ModelTransient),
    ],
)
def test_a_problem_with_status_200_is_classified_by_its_content(
    problem: object, error: type[ModelError]
) -> None:
    assert type(from_problem("m", problem)) is error


@given(st.integers(300, 599), st.binary(max_size=200), st.text(max_size=30))
def test_any_answer_is_some_model_error(status: int, body: bytes, wait: str) -> None:
    error = from_status("m", status, {"retry-after": wait}, body)
    assert isinstance(error, ModelError)
    assert len(str(error)) < 1_000


_KEYS = st.sampled_from(
    [
        "error",
        "errors",
        "detail",
        "message",
        "code",
        "type",
        "status",
        "metadata",
        "raw",
        "loc",
        "msg",
        "choices",
        "retryDelay",
        "retry_after",
        "base_resp",
        "status_code",
        "content_filter_result",
        "headers",
        "fault",
    ]
)
_TEXTS = st.text(max_size=20) | st.sampled_from(
    ["429", "prompt is too long", "retry in 5s", '{"error":{}}', "[1]"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.integers(300, 599), _JSON)
def test_any_json_is_some_model_error(status: int, body: Any) -> None:
    for error in (from_status("m", status, {}, json.dumps(body).encode()), from_problem("m", body)):
        assert isinstance(error, ModelError)
        assert len(str(error)) < 1_000
        assert error.retry_after is None or 0.0 <= error.retry_after <= 3_600.0
    if isinstance(body, dict):
        problem_in(body)  # pyright: ignore[reportUnknownArgumentType] - JSON


@pytest.mark.parametrize(
    "text",
    [
        "prompt " * 9000,
        "1" * 60000,
        "tokens exceed " * 4000,
        "1 tokens in the messages" * 3000,
        "[" * 60000,
        "max_tokens" * 6000,
        "retry in 1s " * 5000,
        "limit: " * 9000,
        "context length " * 4000,
        "{" * 60000,
    ],
)
def test_a_long_error_is_read_in_no_time(text: str) -> None:
    began = time.process_time()
    from_status("m", 400, {}, json.dumps({"error": {"message": text}}).encode())
    from_problem("m", text)
    assert time.process_time() - began < 1.0


@given(st.text())
def test_any_retry_after_is_a_sane_wait_or_none(value: str) -> None:
    wait = retry_after({"retry-after": value})
    assert wait is None or 0.0 <= wait <= 3_600.0


def test_a_retry_after_date_counts_from_now() -> None:
    assert retry_after({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, now=1792567700.0) == 10.0


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcdefghijkl****wxyz.",
        "Authorization: Bearer abcdefghijklmnop",
        "the key topsecretkey is not known",
    ],
)
def test_what_looks_like_a_key_is_struck_out(text: str) -> None:
    shown = sanitise(text, "topsecretkey")
    assert "[redacted:" in shown
    assert not any(part in shown for part in ("abcdefgh", "topsecret"))


def test_a_header_that_cannot_be_sent_is_not_repeated_in_the_error() -> None:
    error = from_exception("m", httpx.LocalProtocolError("Illegal header value b'Bearer topsecret'"))
    assert type(error) is ModelRejected
    assert "topsecret" not in str(error)
