"""The seeded faults: the same in every run, each what its name says, and none of them the script's concern."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from holdfast.testing import FAULTS, Fault, Faults, Reply, Request, ScriptedModel, call, say
from holdfast_activities.models import ModelReply
from holdfast_workflows.contracts.errors import HoldfastError, ModelError
from holdfast_workflows.contracts.errors import tree as errors
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, UserEntry
from tests.activities.models.conversations import NAMES, ask, within

ROOT = Path(__file__).parents[2]


def three_steps(request: Request) -> Reply:
    return say("Done.") if request.results == 3 else call("look", {"at": request.results})


async def outcome(
    server: ScriptedModel, name: str, entries: list[Entry], *, stream: bool, seconds: float = 30.0
) -> str:
    """The code of the error that a call ends with, or what the reply says of itself."""
    try:
        reply = await ask(server, name, entries=entries, stream=stream, change=within(seconds))
    except HoldfastError as error:
        return error.code
    return _said(reply)


def _said(reply: ModelReply) -> str:
    if reply.calls:
        return "tool_arguments_invalid" if "half" in reply.calls[0].arguments else "call"
    return {"content_filter": "content_filtered", "refusal": "model_refused"}.get(reply.finish, reply.text)


def test_there_are_fifteen_and_each_is_in_the_documents_with_how_it_ends() -> None:
    page = (ROOT / "docs/testing.md").read_text("utf-8")
    assert len({fault.name for fault in FAULTS}) == 15
    for fault in FAULTS:
        assert f"| `{fault.name}` |" in page
        assert fault.code in errors()
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{fault.name}` |"))
        assert f"| {fault.ends} | `{fault.code}` |" in row


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_is_the_error_that_it_names(fault: Fault, name: str, stream: bool) -> None:
    script = Faults(three_steps, 1, rate=1.0, kinds=[fault], after=2.0)
    async with ScriptedModel(script) as server:
        seconds = 1.0 if fault.name == "hang" else 30.0
        said = await outcome(server, name, [UserEntry(seq=1, text="go")], stream=stream, seconds=seconds)
        assert said == fault.code
        assert [seen.fault for seen in server.requests] == [fault.name]


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.ends == "waited"], ids=lambda f: f.name)
async def test_the_reported_wait_can_be_computed_from_the_requests(fault: Fault) -> None:
    script = Faults(three_steps, 1, rate=1.0, kinds=[fault], after=2.0)
    async with ScriptedModel(script) as server:
        with pytest.raises(ModelError) as caught:
            await ask(server, NAMES[0])
    told = script.wait(server.requests[0])
    assert told is not None
    assert 2.0 <= told <= 3.0
    assert caught.value.retry_after == pytest.approx(told, abs=0.9)


def test_the_seed_decides_the_faults_and_the_rate_holds() -> None:
    first, again, other = Faults(three_steps, 7), Faults(three_steps, 7), Faults(three_steps, 8)
    places = [(f"session {n}", number) for n in range(400) for number in range(1, 11)]
    dealt = [first.fault(*place) for place in places]
    assert dealt == [again.fault(*place) for place in places]
    assert dealt != [other.fault(*place) for place in places]
    counts = Counter(fault.name for fault in dealt if fault)
    assert 0.27 < counts.total() / len(places) < 0.33
    assert len(counts) == 15


async def test_sessions_meet_the_same_faults_whatever_the_order_of_their_requests() -> None:
    async def run(order: list[int]) -> dict[str, list[str]]:
        kinds = [fault for fault in FAULTS if fault.name != "hang"]
        async with ScriptedModel(Faults(three_steps, 3, rate=0.5, kinds=kinds)) as server:
            for n in order:
                await outcome(server, NAMES[0], [UserEntry(seq=1, text=f"session {n}")], stream=False)
            found: dict[str, list[str]] = {}
            for seen in server.requests:
                found.setdefault(seen.conversation, []).append(seen.fault)
            return found

    assert await run([1, 2, 3] * 6) == await run([3] * 6 + [2] * 6 + [1] * 6)


@pytest.mark.parametrize("name", NAMES)
async def test_the_script_counts_its_own_results_after_the_client_drops_some(name: str) -> None:
    bad = [fault for fault in FAULTS if fault.name == "bad_arguments"]
    script = Faults(three_steps, 5, rate=0.5, kinds=bad)
    entries: list[Entry] = [UserEntry(seq=1, text="a session")]
    asked: list[int] = []
    async with ScriptedModel(script) as server:
        for seq in range(2, 200, 2):
            # Only the newest step goes out, as after a prompt that was too long.
            reply = await ask(server, name, entries=[entries[0], *entries[1:][-2:]])
            if reply.text == "Done.":
                break
            if _said(reply) == "call":
                asked.append(json.loads(reply.calls[0].arguments)["at"])
            made = reply.calls[0]
            entries += [
                ReplyEntry(seq=seq, calls=reply.calls, finish="tool_calls"),
                ResultEntry(seq=seq + 1, call_id=made.id, name=made.name, text="seen"),
            ]
        faults = sum(seen.fault == "bad_arguments" for seen in server.requests)
        assert len(server.requests) == 4 + faults
    assert faults > 0
    assert asked == [0, 1, 2]


async def test_a_server_that_is_dead_records_who_asks_and_when() -> None:
    async with ScriptedModel([say("1"), say("2"), say("3"), say("4")]) as server:
        go: list[Entry] = [UserEntry(seq=1, text="go")]
        assert await outcome(server, NAMES[0], go, stream=False) == "1"
        server.dead()
        assert await outcome(server, NAMES[0], go, stream=False) == "model_transient"
        server.dead(drop=True)
        assert await outcome(server, NAMES[1], go, stream=False) == "model_transient"
        server.alive()
        assert await outcome(server, NAMES[1], go, stream=True) == "4"
    assert [seen.fault for seen in server.requests] == ["", "dead", "dead", ""]
    times = [seen.monotonic for seen in server.requests]
    assert times == sorted(times)


async def test_a_server_in_another_process_can_be_switched_off_and_on() -> None:
    with ScriptedModel.spawn("tests.testing.scripts:GREETING") as model:

        def tell() -> list[str]:
            model.dead()
            model.alive()
            model.dead(drop=True)
            return [seen.fault for seen in model.requests]

        assert await asyncio.to_thread(tell) == []
