"""A task queue belongs to one app, and its sessions live in one state database."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from temporalio.client import Client

from holdfast_activities.state import open_state, upgrade
from holdfast_temporal import DevServer
from holdfast_temporal import binding as bindings
from holdfast_workers.startup import binding
from holdfast_workflows.contracts.errors import AppMismatch, DatabaseMismatch
from holdfast_workflows.contracts.operations.binding import Binding
from tests.postgres_server import PostgresServer

from ..running import Running, started

APPS = "tests.workers.named"


def worker(
    server: DevServer, app: str, task_queue: str = "", **settings: str
) -> AbstractAsyncContextManager[Running]:
    return started(
        "worker",
        f"{APPS}:{app}",
        temporal_address=server.address,
        task_queue=task_queue,
        health_port="0",
        embeddings="none",
        maintenance_every="0",
        **settings,
    )


async def identity(url: str) -> str:
    state = await open_state(url, migrate=True)
    await state.close()
    return state.identity.id


OURS = Binding(app="shop", agents=("clerk",), module="m:app", database="one", place="sqlite:///one")


@pytest.mark.parametrize(
    ("bound", "own"),
    [
        pytest.param(OURS, OURS, id="the same"),
        pytest.param(OURS, OURS.model_copy(update={"place": "postgresql://h/moved"}), id="moved"),
        pytest.param(OURS, OURS.model_copy(update={"agents": ("driver",)}), id="other agents, one name"),
        pytest.param(OURS, OURS.model_copy(update={"module": "n:app"}), id="another module, one name"),
        pytest.param(
            OURS.model_copy(update={"app": ""}),
            OURS.model_copy(update={"app": "", "agents": ("cashier", "clerk")}),
            id="no name, one agent more",
        ),
        pytest.param(
            OURS.model_copy(update={"app": ""}),
            OURS.model_copy(update={"app": "", "agents": ("driver",)}),
            id="no name, the only agent renamed",
        ),
        pytest.param(
            OURS.model_copy(update={"app": "", "place": "file:/srv/state"}),
            OURS.model_copy(update={"app": "", "place": "file:/srv/state", "agents": ("driver",)}),
            id="no name, the only agent renamed, in a file store",
        ),
        pytest.param(OURS.model_copy(update={"app": ""}), OURS, id="named later"),
        pytest.param(OURS, OURS.model_copy(update={"app": ""}), id="the name taken back"),
        pytest.param(
            OURS.model_copy(update={"app": "", "agents": ()}),
            OURS.model_copy(update={"app": "", "agents": ()}),
            id="no agents, one module",
        ),
    ],
)
async def test_a_worker_that_matches_its_queue_serves_it(
    client: Client, task_queue: str, bound: Binding, own: Binding
) -> None:
    assert await binding.ensure(client, task_queue, bound)
    assert await binding.ensure(client, task_queue, own)


@pytest.mark.parametrize(
    ("own", "error", "words"),
    [
        pytest.param(
            OURS.model_copy(update={"app": "billing"}), AppMismatch, ["'shop'", "'billing'"], id="a name"
        ),
        pytest.param(
            OURS.model_copy(update={"app": "", "agents": ("driver",)}),
            AppMismatch,
            ["'shop'", "driver"],
            id="no name and other agents",
        ),
        pytest.param(
            OURS.model_copy(update={"app": "", "agents": (), "module": "n:app"}),
            AppMismatch,
            ["'shop'", "n:app"],
            id="another module without agents",
        ),
        pytest.param(
            OURS.model_copy(update={"database": "two", "place": "sqlite:///two"}),
            DatabaseMismatch,
            ["one at sqlite:///one", "two at sqlite:///two"],
            id="a database",
        ),
        pytest.param(
            OURS.model_copy(update={"database": "two"}), DatabaseMismatch, ["one at", "two at"], id="replaced"
        ),
    ],
)
async def test_a_worker_that_does_not_match_its_queue_is_refused_with_both_names(
    client: Client, task_queue: str, own: Binding, error: type[Exception], words: list[str]
) -> None:
    await binding.ensure(client, task_queue, OURS)
    with pytest.raises(error) as caught:
        await binding.ensure(client, task_queue, own)
    assert all(word in str(caught.value) for word in [*words, task_queue])
    assert await bindings.read(client, task_queue) == OURS


async def test_of_workers_that_come_at_the_same_time_one_binds_the_queue(
    client: Client, task_queue: str
) -> None:
    each = [OURS.model_copy(update={"database": str(n)}) for n in range(8)]
    found = await asyncio.gather(*(bindings.bind(client, task_queue, one) for one in each))
    assert len({one.database for one in found}) == 1


async def test_a_queue_knows_the_agents_of_later_deploys(client: Client, task_queue: str) -> None:
    for agents in (("a",), ("a", "b"), ("b", "c"), ("c",)):
        own = OURS.model_copy(update={"app": "", "agents": agents})
        assert await binding.ensure(client, task_queue, own)


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
async def test_a_copy_of_a_database_has_its_identity_and_another_database_has_not(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if backend == "sqlite":
        first, second = f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/two.db"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        first, second = await server.create("identity_one"), await server.create("identity_two")
        await upgrade(first)
    known = await identity(first)
    assert await identity(first) == known
    assert await identity(second) != known
    if backend == "sqlite":
        shutil.copy(tmp_path / "one.db", tmp_path / "copy.db")
        assert await identity(f"sqlite:///{tmp_path}/copy.db") == known


async def test_a_worker_with_another_database_does_not_start_and_bind_lets_it(
    server: DevServer, task_queue: str, tmp_path: Path
) -> None:
    one, two = f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/two.db"
    async with worker(server, "shop", task_queue, state_url=one) as first:
        await first.said("worker started")
        other = await identity(two)
        async with worker(server, "shop", task_queue, state_url=two) as second:
            assert await second.ended() == 2
            assert f"{await identity(one)} at {one}" in second.lines[-1]
            assert f"{other} at {two}" in second.lines[-1]
        bind = started(
            "state",
            "bind",
            f"{APPS}:shop",
            temporal_address=server.address,
            task_queue=task_queue,
            state_url=two,
        )
        async with bind as moving:
            assert await moving.ended() == 0
        async with worker(server, "shop", task_queue, state_url=two) as second:
            await second.said("worker started")


async def test_a_worker_whose_queue_was_bound_anew_is_told_so(
    client: Client, task_queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binding, "_CHECK_INTERVAL", 0.01)
    state = await open_state(f"sqlite:///{tmp_path}/state.db")
    await binding.ensure(client, task_queue, OURS)
    changed = asyncio.create_task(binding.changed(client, task_queue, OURS, state))
    await bindings.rebind(client, task_queue, OURS.model_copy(update={"database": "two"}))
    async with asyncio.timeout(20):
        assert isinstance(await changed, DatabaseMismatch)
    await state.close()


async def test_another_app_on_the_queue_does_not_start(
    server: DevServer, task_queue: str, tmp_path: Path
) -> None:
    state = f"sqlite:///{tmp_path}/state.db"
    async with worker(server, "unnamed", task_queue, state_url=state) as first:
        await first.said("worker started")
        async with worker(server, "other_agents", task_queue, state_url=state) as other:
            assert await other.ended() == 2
            assert f"{APPS}:unnamed with agents clerk" in other.lines[-1]
            assert f"{APPS}:other_agents with agents driver" in other.lines[-1]
        async with worker(server, "with_another_agent", task_queue, state_url=state) as deployed:
            await deployed.said("worker started")


@pytest.mark.slow
async def test_a_worker_ends_when_its_file_is_gone_and_starts_with_no_other(
    server: DevServer, task_queue: str, tmp_path: Path
) -> None:
    file = tmp_path / "state.db"
    url = f"sqlite:///{file}"
    async with worker(server, "shop", task_queue, state_url=url) as first:
        await first.ready()
        file.rename(tmp_path / "aside")
        assert await first.ended() == 1
        assert f"{file} was deleted while it was open" in first.text
    async with worker(server, "shop", task_queue, state_url=url) as second:
        assert await second.ended() == 2
        assert f"{url} is empty or missing" in second.lines[-1]
        # It is not made: the right one may be about to be put there.
        assert not file.exists()
    (tmp_path / "aside").rename(file)
    async with worker(server, "shop", task_queue, state_url=url) as third:
        await third.ready()


async def test_an_empty_database_does_not_take_the_place_of_a_queues_own(
    client: Client, task_queue: str, postgres_server: PostgresServer
) -> None:
    empty = await postgres_server.create("nothing_yet")
    await binding.expect_tables(client, task_queue, empty)
    await bindings.bind(client, task_queue, OURS)
    with pytest.raises(DatabaseMismatch, match=r"one at sqlite:///one; postgresql://.* is empty"):
        await binding.expect_tables(client, task_queue, empty)


@pytest.mark.slow
async def test_an_apps_queue_follows_from_its_name(server: DevServer) -> None:
    async with worker(server, "shop") as running:
        assert "holdfast-shop" in await running.said("worker started")
