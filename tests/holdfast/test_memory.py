"""The memory stores as a library, on real files."""

import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from holdfast import MemoryTurn, open_memory
from holdfast.testing import ScriptedModel
from holdfast_workflows.contracts.errors import EmbeddingMismatch, SettingsInvalid, WorkerMissing
from tests.postgres_server import PostgresServer

WHEN = datetime(2026, 5, 4, 12, tzinfo=UTC)
TALK = ["Where do you live now?", "I moved to Porto in spring.", "How is it?", "It rains, and I like it."]


def talk(session: str = "s1", *, ids: bool = True) -> list[MemoryTurn]:
    return [
        MemoryTurn(
            text=text,
            speaker=("Bob", "Ann")[place % 2],
            at=WHEN + timedelta(minutes=place),
            session=session,
            id=f"{session}:{place}" if ids else "",
        )
        for place, text in enumerate(TALK)
    ]


async def test_what_is_added_is_found_as_the_guide_shows(tmp_path: Path) -> None:
    async with open_memory(home=tmp_path) as memory:
        await memory.add(
            [MemoryTurn(text="I moved to Porto.", speaker="Ann", at=WHEN, session="s1", id="s1:3")],
            tenant="acme",
            scope="user:42",
        )
        hits = await memory.search("When did Ann move?", tenant="acme", scope="user:42", limit=10, floor=0.3)
        [hit] = hits
        assert (hit.id, hit.text, hit.at) == ("s1:3", "I moved to Porto.", WHEN.timestamp())
        assert 0.3 <= hit.score <= 1
        assert hit.why
        assert await memory.search("When did Ann move?", tenant="globex", scope="user:42") == []
        assert await memory.search("When did Ann move?", tenant="acme", scope="user:7") == []
    assert (tmp_path / "memory.db").exists()


async def test_memories_outlive_the_program_and_the_environment_says_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_MEMORY_URL", f"sqlite:///{tmp_path / 'own.db'}")
    async with open_memory() as memory:
        await memory.add(talk(), scope="user:42")
    async with open_memory() as memory:
        assert (await memory.stats()).turns == 4
        assert len(await memory.list(scope="user:42")) == 4
    async with open_memory(f"sqlite:///{tmp_path / 'other.db'}") as memory:
        assert (await memory.stats()).turns == 0


@pytest.mark.parametrize("name", ["HOLDFAST_MEMORY_URL", "HOLDFAST_STATE_URL"])
@pytest.mark.parametrize("in_a_file", [True, False], ids=["by file", "by value"])
async def test_the_environment_of_workers_on_postgresql_says_where_they_keep_memories(
    name: str,
    in_a_file: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgres_server: PostgresServer,
) -> None:
    url = await postgres_server.create("open_memory")
    (tmp_path / "url").write_text(f"{url}\n")
    monkeypatch.setenv(*(f"{name}_FILE", str(tmp_path / "url")) if in_a_file else (name, url))
    async with open_memory() as memory:
        await memory.add(talk(), scope="user:42")
        assert (await memory.stats()).store == "postgres"


async def test_a_program_is_refused_a_file_beside_the_workers_shared_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_STATE_URL", "postgresql://holdfast@127.0.0.1:9/state")
    monkeypatch.setenv("HOLDFAST_MEMORY_URL", f"sqlite:///{tmp_path / 'own.db'}")
    with pytest.raises(SettingsInvalid, match="local=true"):
        async with open_memory():
            pass
    async with open_memory(f"sqlite:///{tmp_path / 'own.db'}") as memory:
        assert (await memory.stats()).turns == 0


@pytest.mark.parametrize("ids", [True, False], ids=["with ids", "without ids"])
async def test_turns_added_again_or_piece_by_piece_are_the_same_memories(tmp_path: Path, ids: bool) -> None:
    async with open_memory(home=tmp_path / "one") as whole, open_memory(home=tmp_path / "two") as pieces:
        turns = talk(ids=ids)
        added = await whole.add(turns, scope="user:42")
        assert await whole.add(turns, scope="user:42") == added
        for turn in turns:
            await pieces.add([turn], scope="user:42")
        await pieces.add(turns[1:3], scope="user:42")
        for question in ("Where does Ann live?", "How is Porto?"):
            one, two = [
                await each.search(question, scope="user:42", floor=0.0, now=WHEN) for each in (whole, pieces)
            ]
            assert one == two
            assert one


async def test_an_answer_is_found_by_the_question_before_it(tmp_path: Path) -> None:
    async with open_memory(home=tmp_path) as memory:
        await memory.add(talk(), scope="user:42")
        found = await memory.search("Where does Ann live?", scope="user:42", floor=0.0)
        assert {"s1:0", "s1:1"} <= {hit.id for hit in found}


async def test_times_without_a_zone_are_utc_and_none_is_now(tmp_path: Path) -> None:
    async with open_memory(home=tmp_path) as memory:
        east = timezone(timedelta(hours=2))
        times = [WHEN.replace(tzinfo=None), WHEN.astimezone(east), WHEN.timestamp(), None]
        await memory.add(
            [MemoryTurn(text=f"Sentence {i}.", at=at, id=str(i)) for i, at in enumerate(times)], scope="s"
        )
        *dated, now = [each.at for each in await memory.list()]
        assert dated == [WHEN.timestamp()] * 3
        assert abs(now - datetime.now(UTC).timestamp()) < 3_600


async def test_facts_are_held_forgotten_and_erased(tmp_path: Path) -> None:
    async with open_memory(home=tmp_path) as memory:
        first = await memory.add_fact("Ann lives in Lisbon.", scope="user:42", topic="home", at=WHEN)
        newer = await memory.add_fact("Ann lives in Porto.", scope="user:42", topic="home", id="porto")
        assert newer == "porto"
        assert [each.id for each in await memory.list(scopes=["user:42"])] == ["porto"]
        assert {each.id for each in await memory.list(superseded=True)} == {first, "porto"}
        await memory.add_fact("Ann has a cold.", scope="user:42", expires=WHEN, id="cold")
        assert [each.id for each in await memory.list(kinds=["fact"])] == ["porto"]
        assert await memory.forget(["porto"]) == 2
        await memory.add(talk(), scope="user:42")
        assert await memory.erase(tenant="", session="s1") == 4
        assert await memory.list() == []


async def test_the_embedder_of_the_environment_is_used_and_another_is_refused_until_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedModel([]) as server:
        monkeypatch.setenv("HOLDFAST_EMBEDDINGS", "openai:one")
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefgh12345678")
        async with open_memory(home=tmp_path) as memory:
            await memory.add(talk(), scope="user:42")
            [best, *_] = await memory.search("I moved to Porto in spring.", scope="user:42")
            assert (best.id, "vector" in best.why) == ("s1:1", True)
            stats = await memory.stats()
            assert (stats.model, stats.dimension) == ("openai:one", 64)
        async with open_memory(home=tmp_path, embeddings="openai:two") as memory:
            with pytest.raises(EmbeddingMismatch, match="memory migrate"):
                await memory.search("Porto", scope="user:42")
            assert (await memory.migrate()).memories == 4
            assert await memory.search("Porto", scope="user:42")


async def test_a_provider_of_the_environment_may_embed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedModel([]) as server:
        own = f'{{"local": {{"kind": "openai", "base_url": "{server.openai_url}"}}}}'
        monkeypatch.setenv("HOLDFAST_PROVIDERS", own)
        async with open_memory(home=tmp_path, embeddings="local:small") as memory:
            await memory.add(talk(), scope="user:42")
        assert server.embedded


@pytest.mark.parametrize(
    ("name", "value"),
    [("HOLDFAST_MEMORY_URL", "redis://x"), ("HOLDFAST_EMBEDDINGS", "x"), ("HOLDFAST_PROVIDERS", "[1]")],
)
async def test_a_setting_that_names_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=name):
        async with open_memory():
            pass


async def test_without_the_workers_extra_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "holdfast_activities.memory.library", raising=False)
    monkeypatch.setitem(sys.modules, "holdfast_activities.memory.opening", None)
    with pytest.raises(WorkerMissing, match=r"holdfast\[worker\]"):
        async with open_memory():
            pass
