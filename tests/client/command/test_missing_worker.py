"""A missing worker, a paused session or a wrong address is reported at once."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from holdfast.testing import call, say
from holdfast_client import Session, connect
from holdfast_workflows.contracts.errors import BadInput, SettingsInvalid, TemporalUnreachable, TurnNotEnded

from ...support import eventually
from ..conftest import Running
from .test_command import holdfast, process

_SOON = 10.0
"""Seconds; less than the 20 that a request waits for a worker."""

_WITH_A_WORKER = [
    "run helper hello", "chat helper", "agents", "effects", "budgets", "breakers", "breaker open provider:x",
    "memory stats", "memory search x", "maintain run", "maintain schedule", "monitor start", "send s hello", "show s", "watch s", "pause s",
    "resume s", "steer s hello", "cancel s", "close s", "budget s --add-tokens 5", "prompt s", "answer s x retry",
]  # fmt: skip


async def test_commands_that_need_a_worker_fail_at_once_without_one(running: Running) -> None:
    async with running([], worker=False) as environment:
        id = f"alone-{environment.task_queue}"
        await environment.client.start("helper", id=id)  # without a message, no worker must answer
        for words in _WITH_A_WORKER:
            began = time.monotonic()
            typed = [id if word == "s" else word for word in words.split()]
            code, out, err = await holdfast(environment, *typed)
            assert (code, out) == (3, ""), (words, err)
            assert (
                f"no worker polls task queue '{environment.task_queue}' of namespace 'default' at 127.0.0.1"
                in err
            )
            assert time.monotonic() - began < _SOON, words
        code, _, err = await holdfast(environment, "run", "helper", "hello", "--id", f"never-{id}")
        assert code == 3
        # No session was started.
        assert (await holdfast(environment, "show", f"never-{id}"))[0] == 4


async def test_listing_sessions_needs_no_worker(running: Running) -> None:
    async with running([], worker=False) as environment:
        code, out, err = await holdfast(environment, "sessions", "--tenant", "nobody")
        assert (code, out, err) == (0, "There are no such sessions.\n", "")


async def test_sending_to_a_paused_session_reports_how_to_resume_it(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    async with running([say("One."), say("Two."), say("Three."), say("Four.")]) as environment:
        session = await environment.client.start("helper", "1", id=f"paused-{environment.task_queue}")
        await session.wait(raise_on_error=False)
        assert not (await session.pause()).pausing
        how = f"session {session.id} is paused: turn 2 begins when it is resumed, by `holdfast resume {session.id}`"
        # The command line.
        code, out, err = await process(environment, "send", session.id, "2", "--timeout", "1s")
        assert (code, out) == (1, "")
        assert err.splitlines()[0] == how
        assert "did not end in time" in err.splitlines()[1]
        code, out, err = await process(environment, "send", session.id, "3", "--no-wait")
        assert (code, out) == (0, "queued for turn 3\n")
        assert "turn 3 begins when it is resumed" in err
        # The SDK.
        assert (await session.send("4", wait=False)).paused
        with caplog.at_level(logging.WARNING), pytest.raises(TurnNotEnded, match="by `holdfast resume"):
            await session.send("5", timeout=0.5)
        assert "turn 5 begins when it is resumed" in caplog.text
        with pytest.raises(TurnNotEnded, match="turn 2 begins when it is resumed"):
            await session.wait(2, timeout=0.5, raise_on_error=False)
        with pytest.raises(BadInput, match="timeout=0"):
            await session.wait(2, timeout=0, raise_on_error=False)
        await session.resume()
        assert (await session.wait(4)).text == "Four."
        assert not (await session.send("6", wait=False)).paused


async def test_pausing_during_a_step_reports_when_it_takes_effect(running: Running) -> None:
    async with running([call("dig"), say("Done.")]) as environment:
        session = await environment.client.start("helper", "dig", id=f"dig-{environment.task_queue}")
        await eventually(lambda: _is_digging(session))
        code, out, _ = await holdfast(environment, "pause", session.id)
        assert (code, out) == (
            0,
            f"{session.id}: pauses when the running step of turn 1 has ended\n",
        )
        assert (await session.view()).pausing
        with pytest.raises(TurnNotEnded):
            await session.wait(timeout=0.5, raise_on_error=False)
        await session.cancel()
        await session.resume()
        # Between turns, a pause takes effect at once.
        assert (await holdfast(environment, "pause", session.id))[1] == f"{session.id}: paused\n"


async def _is_digging(session: Session) -> bool:
    return bool((await session.view()).active)


async def test_a_timeout_reports_that_the_turn_waits_for_a_person(running: Running) -> None:
    async with running([call("post", {"what": "it"}), say("Posted.")]) as environment:
        session = await environment.client.start("poster", "post it", id=f"post-{environment.task_queue}")
        await eventually(lambda: _has_pending_decision(session))
        with pytest.raises(TurnNotEnded, match=r"turn 1 of .* is still running; it waits: "):
            await session.wait(timeout=0.5, raise_on_error=False)
        await session.cancel()


async def _has_pending_decision(session: Session) -> bool:
    return bool((await session.view()).inbox)


@pytest.mark.parametrize(
    "address",
    [
        "localhost",
        "http://localhost:7233",
        "localhost:abc",
        ":7233",
        "user@host:1",
        "a b:1",
        "[::1]",
        "h:0",
        "h:99999",
    ],
)
async def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(SettingsInvalid, match="is not host:port"):
        await connect(address)


@pytest.mark.parametrize(("address", "final"), [("no-such-host.invalid:7233", True), ("127.0.0.1:1", False)])
async def test_an_unreachable_server_is_named_and_an_unknown_host_is_final(address: str, final: bool) -> None:
    with pytest.raises(TemporalUnreachable, match=address) as refused:
        await connect(address)
    assert refused.value.retryable is not final


async def test_a_server_that_is_not_temporal_is_named() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        with pytest.raises(TemporalUnreachable, match=address):
            await connect(address)
