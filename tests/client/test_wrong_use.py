"""Invalid values are refused with a HoldfastError, before anything is sent."""

from __future__ import annotations

from functools import partial
from typing import Any, assert_type, cast

import pytest

from holdfast.testing import hang, say
from holdfast_client import Session, connect
from holdfast_workflows.contracts.errors import BadInput, SessionNotFound, SettingsInvalid

from ..support import Report, always
from .conftest import Running


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "5", True])
async def test_an_invalid_timeout_is_refused_before_anything_happens(running: Running, seconds: Any) -> None:
    async with running(always(hang())) as holdfast:
        with pytest.raises(BadInput, match="timeout="):
            await holdfast.client.run("helper", "Hi!", id="never", timeout=seconds)
        with pytest.raises(SessionNotFound):
            await holdfast.client.session("never").view()
        session = await holdfast.client.start("helper", "Hi!")
        for call in (session.send("Again!", timeout=seconds), session.cancel(timeout=seconds)):
            with pytest.raises(BadInput, match="timeout="):
                await call
        for follow in (partial(session.stream, "Again!"), session.watch):
            with pytest.raises(BadInput, match="timeout="):
                follow(timeout=seconds)
        view = await session.view()
        assert (view.turn, view.queued, view.status) == (1, 0, "running")
        await session.cancel(timeout=30)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), "5", True])
async def test_connect_refuses_an_invalid_timeout(seconds: Any) -> None:
    with pytest.raises(SettingsInvalid, match="timeout="):
        await connect(timeout=seconds)


async def test_values_of_other_types_are_refused_in_words(running: Running) -> None:
    async with running([], worker=False) as holdfast:
        client, wrong = holdfast.client, cast("Any", None)
        session = client.session("any")
        for call, words in (
            (client.run("helper", wrong), "the message is empty"),
            (client.start("helper", cast("Any", 5)), "the message 5 is not a str"),
            (client.start("helper", "Hi!", user=wrong), "user=None must be a str"),
            (client.start("helper", "Hi!", id=cast("Any", 5)), "a session id is"),
            (client.start("helper", "Hi!", when_busy=cast("Any", "wait")), "when_busy='wait'"),
            (client.start("helper", "Hi!", max_steps=0), "max_steps=0"),
            (session.wait(0), "turn=0"),
            (session.wait(cast("Any", 1.5)), "turn=1.5"),
        ):
            with pytest.raises(BadInput, match=words):
                await call
        with pytest.raises(BadInput, match="turn=-1"):
            session.stream(turn=-1)
        with pytest.raises(BadInput, match="neither an Agent nor the name"):
            client.session("any", agent=cast("Any", 5))


async def test_a_task_has_the_output_type_of_its_start(running: Running) -> None:
    async with running([say('{"title": "Bees", "points": []}')]) as holdfast:
        task = await holdfast.client.start_task("helper", "Bees!", output_type=Report)
        assert_type(task, Session[Report])
        assert assert_type((await task.result(timeout=30)).output, Report) == Report(title="Bees", points=[])


@pytest.mark.parametrize("option", ["id", "tenant", "user"])
@pytest.mark.parametrize(
    "value", ["ann@mail.example", "+49 30 1234567", "DE89370400440532013000", "ghp_" + "a1b2c3" * 6]
)
async def test_ids_and_search_attributes_take_no_personal_data(
    running: Running, option: str, value: str
) -> None:
    async with running([say("Hello.")]) as holdfast:
        options: dict[str, Any] = {option: f"of {value}"}
        with pytest.raises(BadInput, match=f"{option} contains") as refused:
            await holdfast.client.start("helper", "Hi!", **options)
        assert value not in str(refused.value)
