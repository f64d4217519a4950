"""What a provider tells of its rate limits is read, and bounds the wait where Retry-After is missing."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.testing import ScriptedModel, failed, rate_limited, say
from holdfast_activities.models import Models, ProviderConfig, Remaining
from holdfast_activities.models.limits import remaining, wait
from holdfast_activities.state.coordination.bucket import Rate
from holdfast_workflows.contracts.errors import ModelError

from .conversations import NAMES, ask

NOW = 1_800_000_000.0
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def at(seconds: float) -> str:
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat().replace("+00:00", "Z")


def openai(
    requests: int, requests_reset: str, tokens: int = 1_000, tokens_reset: str = "0s"
) -> dict[str, str]:
    return {
        "x-ratelimit-remaining-requests": str(requests),
        "x-ratelimit-reset-requests": requests_reset,
        "x-ratelimit-remaining-tokens": str(tokens),
        "x-ratelimit-reset-tokens": tokens_reset,
    }


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("1s", 1.0), ("6m0s", 360.0), ("250ms", 0.25), ("1h2m3.5s", 3_600.0), ("12ms", 0.012), ("1.5", 1.5)],
)
def test_a_reset_given_as_a_duration_is_in_seconds(told: str, seconds: float) -> None:
    left = remaining(openai(7, told))
    assert left is not None
    assert left.requests_reset == pytest.approx(seconds)


@pytest.mark.parametrize("told", ["", "soon", "6m0", "-1s", "1y", "2026-13-01T00:00:00Z"])
def test_an_unreadable_reset_is_not_reported(told: str) -> None:
    assert remaining(openai(7, told)) == Remaining(7, None, 1_000, 0.0)


def test_a_reset_date_counts_from_now_and_the_fewest_tokens_count() -> None:
    headers = {
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": at(2),
        "anthropic-ratelimit-input-tokens-remaining": "30000",
        "anthropic-ratelimit-input-tokens-reset": at(30),
        "anthropic-ratelimit-output-tokens-remaining": "800",
        "anthropic-ratelimit-output-tokens-reset": at(-1),
    }
    assert remaining(headers, NOW) == Remaining(49, 2.0, 800, 0.0)


def test_headers_of_another_kind_say_nothing() -> None:
    assert remaining({"x-ratelimit-limit": "5", "content-type": "application/json"}) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (openai(0, "20s", 100, "300s"), 20.0),
        (openai(0, "20s", 0, "300s"), 300.0),
        (openai(3, "20s", 0, "5s"), 5.0),
        (openai(3, "1s", 100, "5s"), 5.0),
        (openai(0, "", 100, ""), None),
        ({}, None),
    ],
)
def test_the_wait_is_the_reset_of_what_is_used_up(headers: dict[str, str], seconds: float | None) -> None:
    assert wait(headers) == seconds


@given(st.text(max_size=40), st.text(max_size=40), st.booleans())
def test_any_headers_are_read_without_an_error(count: str, reset: str, anthropic: bool) -> None:
    names = (
        ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset")
        if anthropic
        else ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests")
    )
    seconds = wait(dict(zip(names, (count, reset), strict=True)))
    assert seconds is None or 0.0 <= seconds <= 3_600.0


@both_ways
@pytest.mark.parametrize("name", NAMES)
async def test_a_reply_carries_what_is_left(name: str, stream: bool) -> None:
    async with ScriptedModel([say("Yes.").but(headers=openai(7, "1s")), say("No.")]) as server:
        told = await ask(server, name, stream=stream)
        untold = await ask(server, name, stream=stream)
    assert told.remaining == Remaining(7, 1.0, 1_000, 0.0)
    assert untold.remaining is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (rate_limited().but(headers=openai(0, "20s")), 20.0),
        (rate_limited().but(headers={**openai(0, "20s"), "retry-after": "3"}), 3.0),
        (failed(500).but(headers=openai(0, "20s")), None),
    ],
    ids=["reset", "retry-after first", "not a limit"],
)
async def test_a_refusal_waits_for_the_reset_where_no_retry_after_is_given(
    name: str, fault: Any, seconds: float | None
) -> None:
    async with ScriptedModel([fault]) as server:
        with pytest.raises(ModelError) as caught:
            await ask(server, name)
    assert caught.value.retry_after == seconds


async def test_a_model_has_the_rate_of_its_provider() -> None:
    limited = ProviderConfig("openai", base_url="http://127.0.0.1:9", requests_per_minute=5)
    models = Models({"near": limited, "far": ProviderConfig("anthropic", base_url="http://127.0.0.1:9")})
    assert models.get("near:a").rate == Rate(requests=5)
    assert models.get("far:a").rate == Rate()
    await models.close()
