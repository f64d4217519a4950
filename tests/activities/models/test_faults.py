"""Every way a provider fails is one typed error that says whether trying again may help."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdfast.testing import (
    Reply,
    ScriptedModel,
    call,
    context_too_long,
    empty,
    failed,
    garbage,
    hang,
    html,
    overloaded,
    rate_limited,
    reset,
    say,
    unauthorized,
)
from holdfast_activities.models import ModelReply
from holdfast_workflows.contracts.errors import (
    ContextTooLong,
    MalformedReply,
    ModelError,
    ModelRejected,
    ModelTransient,
    RateLimited,
)

from .conversations import KEY, NAMES, ask, models_of, request, within

pytestmark = pytest.mark.parametrize("name", NAMES)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

_CUTS = 1_320  # a few bytes more than the longest of the streams cut below has

FAULTS: list[tuple[str, Reply, type[ModelError]]] = [
    ("400", failed(400), ModelRejected),
    ("401", unauthorized(), ModelRejected),
    ("403", failed(403), ModelRejected),
    ("404", failed(404), ModelRejected),
    ("422", failed(422), ModelRejected),
    ("408", failed(408), ModelTransient),
    ("409", failed(409), ModelTransient),
    ("429", rate_limited(), RateLimited),
    ("500", failed(500), ModelTransient),
    ("503", failed(503), ModelTransient),
    ("529", overloaded(), ModelTransient),
    ("too-long", context_too_long(), ContextTooLong),
    ("reset", reset(), ModelTransient),
    ("html", html(), MalformedReply),
    ("garbage", garbage(), MalformedReply),
]


@both_ways
@pytest.mark.parametrize(("fault", "error"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
async def test_a_fault_is_one_error_after_one_request(
    name: str, stream: bool, fault: Reply, error: type[ModelError]
) -> None:
    async with ScriptedModel([fault]) as server:
        with pytest.raises(ModelError) as caught:
            await ask(server, name, stream=stream)
        assert len(server.requests) == 1
    assert type(caught.value) is error
    assert name in caught.value.detail


@both_ways
async def test_no_answer_is_an_error_when_the_time_is_over(name: str, stream: bool) -> None:
    async with ScriptedModel([hang()]) as server:
        with pytest.raises(ModelTransient, match=r"no answer within|ReadTimeout"):
            await ask(server, name, stream=stream, change=within(0.5))


async def test_a_stream_that_goes_on_too_long_is_an_error(name: str) -> None:
    async with ScriptedModel([say("slow " * 100, pace=0.03)]) as server:
        with pytest.raises(ModelTransient, match="no answer within"):
            await ask(server, name, stream=True, change=within(0.5))


@both_ways
async def test_an_empty_answer_is_an_error(name: str, stream: bool) -> None:
    async with ScriptedModel([empty()]) as server:
        with pytest.raises((ModelTransient, MalformedReply)):
            await ask(server, name, stream=stream)


async def test_no_server_is_an_error_that_may_pass(name: str) -> None:
    async with ScriptedModel([]) as server:
        pass
    with pytest.raises(ModelTransient, match="ConnectError"):
        await ask(server, name)


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (rate_limited(7), 7.0),
        (rate_limited(ms=1_500), 1.5),
        (rate_limited(9, ms=250), 0.25),
        (rate_limited(datetime(2026, 1, 1, tzinfo=UTC)), 0.0),
        (rate_limited(1e9), 3_600.0),
        (failed(503).but(headers={"retry-after": "3"}), 3.0),
        (failed(503).but(headers={"retry-after": "soon"}), None),
        (failed(503).but(headers={"retry-after": "nan"}), None),
        (rate_limited(), None),
    ],
)
async def test_the_wait_that_the_provider_asks_for_is_in_the_error(
    name: str, fault: Reply, seconds: Any
) -> None:
    async with ScriptedModel([fault]) as server:
        with pytest.raises(ModelTransient) as caught:
            await ask(server, name)
    assert caught.value.retry_after == seconds


async def test_a_date_to_wait_for_counts_from_now(name: str) -> None:
    async with ScriptedModel([rate_limited(datetime.now(UTC) + timedelta(seconds=100))]) as server:
        with pytest.raises(RateLimited) as caught:
            await ask(server, name)
    assert caught.value.retry_after == pytest.approx(100, abs=60)


async def test_a_provider_that_says_not_to_try_again_is_believed(name: str) -> None:
    async with ScriptedModel([failed(500).but(headers={"x-should-retry": "false"})]) as server:
        with pytest.raises(ModelRejected):
            await ask(server, name)


async def test_an_error_event_in_a_stream_is_an_error(name: str) -> None:
    async with ScriptedModel([(say("So far") + call("look", {})).but(error_event=True)]) as server:
        with pytest.raises(ModelTransient, match=r"Overloaded|engine broke"):
            await ask(server, name, stream=True)


@both_ways
async def test_an_error_object_with_status_200_is_an_error(name: str, stream: bool) -> None:
    body = b'{"error":{"message":"Upstream is busy","code":429}}'
    async with ScriptedModel([Reply(raw=body)]) as server:
        with pytest.raises(RateLimited, match="Upstream is busy"):
            await ask(server, name, stream=stream)


@both_ways
@pytest.mark.parametrize("status", [200, 401, 500])
async def test_no_error_shows_the_key(name: str, stream: bool, status: int) -> None:
    echo = f"<html>You sent Authorization: Bearer {KEY} and api key {KEY[:-4]}".encode()
    async with ScriptedModel([Reply(status=status, raw=echo, content_type="text/html")]) as server:
        with pytest.raises(ModelError) as caught:
            await ask(server, name, stream=stream)
    assert KEY[:-4] not in str(caught.value)
    assert caught.value.__cause__ is None


# A body that ends too early but in good order is the cut that HTTP does not notice: every byte of it.
@pytest.mark.parametrize(("cut", "step"), [("end", 1), ("close", 11)])
async def test_a_stream_cut_at_any_byte_is_an_error_or_the_whole_reply(
    name: str, cut: Any, step: int
) -> None:
    whole = say("I 😀") + call("look", {"at": "表"}, id="a")
    async with ScriptedModel([whole]) as server:
        expected = await ask(server, name, stream=True)

    cuts = itertools.count(step=step)
    async with ScriptedModel(lambda _: whole.but(cut_at=next(cuts), cut=cut)) as server:
        models = models_of(server)
        model = models.get(name)
        wanted = request(model, stream=True)
        outcomes: list[ModelReply | BaseException] = []
        for _ in range(_CUTS // step // 20):
            calls = (model.complete(wanted) for _ in range(20))
            outcomes += await asyncio.gather(*calls, return_exceptions=True)
        await models.close()

    for outcome in outcomes:
        if isinstance(outcome, ModelReply):
            assert (outcome.text, outcome.calls, outcome.finish) == (
                expected.text,
                expected.calls,
                expected.finish,
            )
        else:
            assert type(outcome) is ModelTransient, outcome
    # The last cuts are past the end of the stream: the reply is whole, however the connection ends.
    assert isinstance(outcomes[-1], ModelReply)
