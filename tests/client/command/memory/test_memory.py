"""The commands for memories and prompts."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest
import typer
from temporalio.client import Client as TemporalClient

from holdfast import Agent, App, Memory, tool
from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, say
from holdfast_client import Client
from holdfast_client.command.common.options import duration
from holdfast_client.command.main import invoke
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.agent.memory import AddMemory, EraseInput, MemoryView
from holdfast_workflows.contracts.names import maintenance_id
from tests.workflows.played import Played, playing

from ...operations.fake_memory import FULL, FakeMemory, manifest

Output = tuple[int, str, str]


@dataclass
class CommandLine:
    """The command line with the options of one task queue."""

    address: str
    task_queue: str
    client: Client

    async def __call__(self, *words: str) -> Output:
        """Run it in a thread of its own: exit code, standard output, standard error."""
        return await asyncio.to_thread(
            _invoke, "--address", self.address, "--task-queue", self.task_queue, *words
        )


def _invoke(*words: str) -> Output:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = invoke(words)
    return code, out.getvalue(), err.getvalue()


@asynccontextmanager
async def command_line(temporal: TemporalClient, queue: str, fake: FakeMemory) -> AsyncGenerator[CommandLine]:
    async with playing(temporal, queue, Played(), *fake.activities()) as client:
        yield CommandLine(temporal.service_client.config.target_host, queue, client)


async def test_search_shows_scores_and_why(client: TemporalClient, task_queue: str) -> None:
    found = MemoryView(
        id="m1",
        text="[red]Ann[/] moved",
        speaker="Ann",
        score=0.81,
        why="words 0.9",
        at=1e9,
        scope="user:ann",
    )
    async with command_line(client, task_queue, FakeMemory([found])) as holdfast:
        code, out, _ = await holdfast("memory", "search", "moved", "--tenant", "acme", "--scope", "user:ann")
        assert code == 0
        assert "0.81" in out
        assert "Ann: [red]Ann[/] moved" in out  # markup is escaped
        assert "words 0.9" in out
        code, out, _ = await holdfast("memory", "search", "moved", "--json")
        assert json.loads(out)["id"] == "m1"
        assert (await holdfast("memory", "search", "sunk"))[1] == "There are no such memories.\n"
        code, _, err = await holdfast("memory", "search", "moved", "--kind", "dream")
        assert code == 2
        assert "kinds" in err


async def test_list_keeps_ids_unwrapped_and_names_the_replacement(
    client: TemporalClient, task_queue: str
) -> None:
    one = MemoryView(
        id="fact:" + "0" * 250, text="Ann lives\nin Porto.", superseded_by="fact:1", trust="agent"
    )
    async with command_line(client, task_queue, FakeMemory([one])) as holdfast:
        _, out, _ = await holdfast("memory", "list", "--superseded")
        printed = [each.rstrip() for each in out.splitlines()]
        assert printed == [f"{one.id} fact", "  Ann lives", "  in Porto.", "  agent · superseded by fact:1"]


async def test_list_add_and_forget(client: TemporalClient, task_queue: str) -> None:
    fake = FakeMemory([MemoryView(id=str(number), text=f"fact {number}") for number in range(4)])
    async with command_line(client, task_queue, fake) as holdfast:
        code, out, _ = await holdfast("memory", "list", "--json", "--limit", "3")
        assert [json.loads(each)["id"] for each in out.splitlines()] == ["0", "1", "2"]
        code, out, _ = await holdfast(
            "memory", "add", "Closed on Mondays.", "--scope", "tenant", "--id", "f", "--expires", "30d"
        )
        assert (code, out) == (0, "f\n")
        assert fake.requests_of(AddMemory)[0].expires > 0
        assert await holdfast("memory", "forget", "f", "g") == (0, "2 memories forgotten\n", "")
        code, _, err = await holdfast("memory", "add", "Closed.", "--scope", "tenant", "--expires", "soon")
        assert code == 2
        assert "not a duration" in err


async def test_stats_show_the_embedder_and_waiting_changes(client: TemporalClient, task_queue: str) -> None:
    async with command_line(client, task_queue, FakeMemory()) as holdfast:
        _, out, _ = await holdfast("memory", "stats")
        assert "embedded store, vectors of m, dimension 3" in out
        assert "4 changes not yet in the store" in out
        assert json.loads((await holdfast("memory", "stats", "--json"))[1])["facts"] == 2


async def test_erase_asks_first_and_refuses_running_sessions(client: TemporalClient, task_queue: str) -> None:
    fake = FakeMemory()
    async with command_line(client, task_queue, fake) as holdfast:
        session = await holdfast.client.start("a", "Hello.")
        await session.wait(raise_on_error=False)
        code, _, err = await holdfast("memory", "erase", "session", session.id)
        assert code == 2
        assert "confirm it with --yes" in err
        code, _, err = await holdfast("memory", "erase", "session", session.id, "--yes")
        assert code == 2
        assert "A running session cannot be erased" in err
        assert "--stop" in err
        code, out, _ = await holdfast("memory", "erase", "session", session.id, "--yes", "--stop")
        assert (code, out) == (0, "erased: 3 memories, 5 log entries, 1 session, the histories of 1 run\n")
        assert (await holdfast("memory", "erase", "tenant", f"t-{task_queue}", "--yes"))[0] == 0
    requests = fake.requests_of(EraseInput)
    assert [(each.kind, each.id, each.tenant) for each in requests] == [
        ("session", session.id, ""),
        ("tenant", "", f"t-{task_queue}"),
    ]


async def test_maintain_exits_with_1_if_a_task_failed(client: TemporalClient, task_queue: str) -> None:
    async with command_line(client, task_queue, FakeMemory(failing=("expire",))) as holdfast:
        assert (await holdfast("maintain", "run", "prune"))[0] == 0
        code, out, _ = await holdfast("maintain", "run", "outbox", "expire")
        assert code == 1
        assert "a is not b" in " ".join(out.split())
        assert (await holdfast("memory", "migrate", "--yes"))[
            1
        ] == "7 memories embedded again: m, dimension 3\n"


async def test_schedule_prints_the_interval(client: TemporalClient, task_queue: str) -> None:
    async with command_line(client, task_queue, FakeMemory()) as holdfast:
        code, out, _ = await holdfast("maintain", "schedule", "--every", "15m")
        assert (code, out) == (0, "maintenance runs every 15m\n")
        found = await client.get_schedule_handle(maintenance_id(task_queue)).describe()
        assert found.schedule.spec.intervals[0].every == duration("15m")
        assert json.loads((await holdfast("maintain", "schedule", "--every", "never", "--json"))[1]) == {
            "every": 0.0
        }


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1.5h", 5_400), ("2d", 172_800)])
def test_durations_have_a_unit(text: str, seconds: int) -> None:
    assert duration(text).total_seconds() == seconds
    with pytest.raises(typer.BadParameter):
        duration(f"{text} or so")


async def test_prompt_lists_model_calls_and_shows_one(client: TemporalClient, task_queue: str) -> None:
    fake = FakeMemory(manifests=[manifest(3, 1, 1), FULL])
    async with command_line(client, task_queue, fake) as holdfast:
        code, out, _ = await holdfast("prompt", "s")
        assert code == 0
        first, second = out.splitlines()[1:]
        assert first.split() == ["1.1", "openai:m", "3,500", "7,000", "50", "%"]
        assert second.split()[:4] == ["2.1", "openai:m", "7,000", "7,000"]
        assert "cut long, slide, 2 left out" in second
        _, out, _ = await holdfast("prompt", "s", "2.1")
        assert "window 8,000, reserve 1,000, budget 7,000; 6,900 tokens estimated" in out
        assert [row.split() for row in out.splitlines() if "left out" in row] == [
            ["conversation", "left", "out", "0", "900", "1-2", "old"]
        ]
        documents = [json.loads(each) for each in (await holdfast("prompt", "s", "--json"))[1].splitlines()]
        assert [each["seq"] for each in documents] == [3, 9]
        assert json.loads((await holdfast("prompt", "s", "1", "--json"))[1])["turn"] == 2
        assert (await holdfast("prompt", "s", "7"))[0] == 2
        assert (await holdfast("prompt", "s", "one"))[0] == 2
        assert (await holdfast("prompt", "s", "--text"))[0] == 2


async def test_prompt_of_a_session_without_manifests(client: TemporalClient, task_queue: str) -> None:
    async with command_line(client, task_queue, FakeMemory()) as holdfast:
        session = await holdfast.client.start("a")
        assert (await holdfast("prompt", session.id))[1] == "The session has no manifests.\n"


async def test_prompt_prints_its_texts_from_the_log(server: DevServer) -> None:
    agent = Agent(
        "friend",
        model="openai:scripted",
        instructions="Be kind.",
        memory=Memory(facts=False),
        working_memory=True,
    )
    plan = {"items": [{"text": "Greet", "status": "done"}, {"text": "Help", "status": "doing"}]}
    script = [call("update_plan", plan), say("Hello."), say("Bye.")]
    async with (
        ScriptedModel(script) as model,
        Environment.start(App(agents=[agent]), model, server=server.address) as environment,
    ):
        holdfast = CommandLine(server.address, environment.task_queue, environment.client)
        await holdfast.client.memory.add("Ann is a gardener.", scope="user:ann", id="g")
        code, _, _ = await holdfast("run", "friend", "Greet the gardener.", "--user", "ann", "--id", "greet")
        assert code == 0
        code, out, _ = await holdfast("prompt", "greet", "2", "--text")
        assert code == 0
        for shown in ("Greet the gardener.", "Ann is a gardener.", "→ update_plan", "instructions"):
            assert shown in out
        _, out, _ = await holdfast("show", "greet")
        assert "memory: 1 memory recalled" in out
        assert "[x] Greet" in out
        assert "[>] Help" in out


async def test_prompt_prints_every_entry_once_with_its_cuts(
    server: DevServer,
) -> None:
    @tool(inline=True, allow_repeats=True)
    async def look(words: int) -> str:
        """Look.

        Args:
            words: How many there are.
        """
        return f"{words}: " + "word " * words

    requests: list[Request] = []

    def script(request: Request) -> Reply:
        if b"sum up the older part" in request.body:
            return say("They looked.")
        requests.append(request)
        n = len(requests)
        return call("look", {"words": n if n % 3 else 700 + n}) if n <= 20 else say("Seen.")

    agent = Agent("looker", model="openai:scripted", tools=[look], context_window=6_000)
    async with (
        ScriptedModel(script) as model,
        Environment.start(App(agents=[agent]), model, server=server.address) as environment,
    ):
        holdfast = CommandLine(server.address, environment.task_queue, environment.client)
        assert (await holdfast("run", "looker", "Look around.", "--id", "looks"))[0] == 0
        found = json.loads((await holdfast("prompt", "looks", "21", "--json"))[1])
        _, out, _ = await holdfast("prompt", "looks", "21", "--text")
        sent = [m for m in json.loads(requests[-1].body)["messages"] if m["role"] != "system"]
    parts = [line for line in out.splitlines() if line.startswith("--- ")]
    numbers = [
        line.split()[2].rstrip(":") for line in parts if line.endswith((": reply", ": result", ": user"))
    ]
    assert len(numbers) == len(set(numbers)) == len(sent)
    # Only cut texts are marked.
    cut = sum(item["count"] for item in found["items"] if item["shown"] == "cut")
    assert 0 < cut == sum("left out" in (message["content"] or "") for message in sent)
    assert out.count("… (long and not of the newest step)") == cut
