"""Servers that limit what may be asked of them."""

from __future__ import annotations

import math

import pytest

from holdfast.testing import RateLimit, Request, ScriptedModel, TokenLimit, say
from holdfast_workflows.contracts.errors import ContextTooLong, RateLimited
from holdfast_workflows.contracts.session.entries import UserEntry
from tests.activities.models.conversations import NAMES, ask

both = pytest.mark.parametrize("name", NAMES)


@both
async def test_a_prompt_over_the_limit_is_refused_by_the_servers_own_count(name: str) -> None:
    script = TokenLimit(lambda _: say("Yes."), 600)
    async with ScriptedModel(script) as server:
        short = await ask(server, name, entries=[UserEntry(seq=1, text="word " * 100)])
        assert 100 < short.usage.input_tokens <= 600
        for _ in range(2):
            with pytest.raises(ContextTooLong, match="600 maximum"):
                await ask(server, name, entries=[UserEntry(seq=1, text="word " * 600)])
        with pytest.raises(ContextTooLong):
            await ask(server, name, entries=[UserEntry(seq=1, text="word " * 700)])
    assert sorted(script.refused.values()) == [1, 2]
    assert [seen.fault for seen in server.requests] == ["", "too_long", "too_long", "too_long"]


@both
async def test_requests_over_the_rate_get_the_time_to_wait(name: str) -> None:
    now: float = 1_800_000_000.0
    async with ScriptedModel(RateLimit(lambda _: say("Yes."), 30, lambda: now)) as server:
        lefts = [(await ask(server, name)).remaining for _ in range(30)]
        assert [left.requests for left in lefts if left] == list(range(29, -1, -1))
        with pytest.raises(RateLimited) as caught:
            await ask(server, name)
        wait = caught.value.retry_after
        assert wait is not None
        assert 1.9 < wait <= 2.0
        now += wait
        await ask(server, name)
        with pytest.raises(RateLimited):
            await ask(server, name)
        now += 60
        assert len([await ask(server, name) for _ in range(30)]) == 30
    assert [seen.number for seen in server.requests if seen.fault == "limited"] == [31, 33]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_the_wait_is_never_shorter_than_until_the_next_request_is_taken(path: str) -> None:
    now: float = 1_800_000_000.0
    limit = RateLimit(lambda _: say("Yes."), 7, lambda: now)
    for number in range(1, 60):
        reply = limit(Request(number, path, b"", b"{}"))
        if reply.fault:
            ms = reply.headers.get("retry-after-ms")
            wait = float(reply.headers["retry-after"]) if ms is None else float(ms) / 1_000
            assert wait <= math.ceil(60 / 7)
            now += wait
            assert not limit(Request(number, path, b"", b"{}")).fault
