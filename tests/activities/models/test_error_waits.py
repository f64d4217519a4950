"""The wait that the body of an error asks for counts like Retry-After."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast_activities.models.errors import waits
from holdfast_activities.models.errors.errors import from_problem, from_status
from holdfast_workflows.contracts.errors import ModelTransient, RateLimited


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Limit 30000, Used 25000, Requested 8000. Please try again in 6s. Visit https://x", 6.0),
        ("Please try again in 57.599999ms. Need more tokens?", 0.0576),
        ("Limit 6000, Used 5000, Requested 3000. Please try again in 7m12s. Need more?", 432.0),
        ("Please try again in 1h2m3.5s.", 3_600.0),
        ("Please try again in 20.5s", 20.5),
        ("Please retry after 28 seconds. Please go here:", 28.0),
        ("retry after 1m30s", 90.0),
        ("Please retry in 12.5s.", 12.5),
        ("please try again after 1 seconds", 1.0),
        ("Please wait 20 seconds before trying again.", 20.0),
        ("Please wait for 1 minute and 30 seconds.", 90.0),
        ("Try your request again in 5 minutes", 300.0),
        ("The limit resets in 45 sec", 45.0),
        ("Retry-After: 20", 20.0),
        ("retry in 250ms", 0.25),
        ("retry in 3 hours", 3_600.0),
        ("请在 5 秒后重试", 5.0),
        ("Please try again later.", None),
        ("Try again later. Limit: 20 requests per 5 s.", None),
        ("limited to 10 API calls / minute", None),
        ("Limit 30000, Used 25000, Requested 8000.", None),
        ("Please retry, up to 3 times", None),
        ("", None),
    ],
)
def test_a_wait_given_in_words_is_read(words: str, seconds: float | None) -> None:
    body = json.dumps({"error": {"message": words}}).encode()
    wait = from_status("m", 429, {}, body).retry_after
    assert wait == (None if seconds is None else pytest.approx(seconds))


def retry_info(delay: Any) -> dict[str, Any]:
    return {
        "error": {
            "code": 429,
            "message": "You exceeded your current quota, please check your plan and billing details.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                    "violations": [{"quotaValue": "15"}],
                },
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
            ],
        }
    }


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (retry_info("34s"), 34.0),
        (retry_info("34.074824224s"), 34.07),
        (retry_info("0.5s"), 0.5),
        (retry_info({"seconds": 34, "nanos": 500_000_000}), 34.5),
        ([retry_info("34s")], 34.0),
        ({"error": {"message": "Slow down", "retry_after": 7}}, 7.0),
        ({"error": {"message": "Slow down"}, "retryAfter": "7"}, 7.0),
        ({"error": {"message": "Slow down", "retry_after_ms": 1_500}}, 1.5),
        ({"error": {"message": "Slow down", "metadata": {"retry_after_seconds": 3}}}, 3.0),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": json.dumps(retry_info("9s"))}}}, 9.0),
        ({"error": {"message": "Provider returned error", "metadata": {"headers": {"Retry-After": "4"}}}}, 4.0),
        ({"error": "Model m is currently loading", "estimated_time": 20.0}, 20.0),
        ({"error": {"message": "Slow down", "retry_after": 1e9}}, 3_600.0),
        ({"error": {"message": "Slow down", "retry_after": "soon"}}, None),
        ({"error": {"message": "Slow down", "retry_after": None}}, None),
        ({"error": {"message": "Slow down", "retry_after": True}}, None),
    ],
)  # fmt: skip
def test_a_wait_given_in_a_field_is_read(body: Any, seconds: float | None) -> None:
    wait = from_status("m", 429, {}, json.dumps(body).encode()).retry_after
    assert wait == (None if seconds is None else pytest.approx(seconds, abs=0.01))


def test_a_reset_given_as_a_time_counts_from_now() -> None:
    reset = {"X-RateLimit-Limit": "50", "X-RateLimit-Reset": str(int((time.time() + 100) * 1_000))}
    body = {"error": {"message": "Rate limit exceeded: free-models-per-day", "metadata": {"headers": reset}}}
    assert from_status("m", 429, {}, json.dumps(body).encode()).retry_after == pytest.approx(100, abs=30)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 100))
    assert waits.in_words(f"Your limit resets at {at}.") == pytest.approx(100, abs=30)


def test_a_header_counts_before_the_body_and_the_body_where_the_header_says_nothing() -> None:
    body = json.dumps(retry_info("34s")).encode()
    assert from_status("m", 429, {"retry-after": "5"}, body).retry_after == 5.0
    assert from_status("m", 429, {"retry-after": "0"}, body).retry_after == 34.0
    assert from_status("m", 503, {}, body).retry_after == 34.0


def test_a_wait_within_status_200_counts() -> None:
    error = from_problem("m", retry_info("34s"))
    assert (type(error), error.retry_after) == (RateLimited, 34.0)
    error = from_problem("m", {"error": "Model is overloaded, try again in 2s"})
    assert (type(error), error.retry_after) == (ModelTransient, 2.0)


@given(st.text() | st.from_regex(r"(try again|retry|resets) (in|at|after) [0-9.]{1,40} ?(ms|s|m|h|Z)"))
def test_any_words_are_a_sane_wait_or_none(words: str) -> None:
    wait = waits.in_words(words)
    assert wait is None or 0.0 <= wait <= 3_600.0
