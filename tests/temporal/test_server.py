from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import ExitStack
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

from holdfast_temporal import DevServer, ServerInfo, connect, ensure_search_attributes, probe
from holdfast_temporal import server as servers
from holdfast_workflows.contracts.errors import DevServerFailed, DevServerMissing, PortTaken

STARTER = """
import asyncio, os, sys
from holdfast_temporal import DevServer

async def main():
    async with DevServer(sys.argv[1], memory=True, ui=False, detach=True) as server:
        print(server.info.pid, server.joined, flush=True)

asyncio.run(main())
"""


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(30):
        while not probe.gone(pid):  # noqa: ASYNC110 # another process's end sets no event of ours
            await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_sessions_outlive_the_server_in_its_database_file(tmp_path: Path) -> None:
    async with DevServer(tmp_path, ui=False) as first:
        client = await connect(first.address)
        assert await ensure_search_attributes(client) == []
        await client.start_workflow("Nothing", id="kept", task_queue="none")
    async with DevServer(tmp_path, ui=False) as second:
        client = await connect(second.address)
        assert (await client.get_workflow_handle("kept").describe()).workflow_type == "Nothing"
    assert (tmp_path / "temporal.db").exists()


async def test_a_running_server_is_found_by_its_folder_and_by_connect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    assert DevServer.find() is None
    async with DevServer(memory=True) as server:
        assert DevServer.find(tmp_path) == server.info
        client = await connect()
        assert client.service_client.config.target_host == server.address
        assert probe.listens(server.ui.removeprefix("http://"))
    assert DevServer.find(tmp_path) is None
    assert not probe.listens(server.log.parent.name)


async def test_a_note_left_by_a_killed_server_does_not_count(tmp_path: Path) -> None:
    server = await DevServer(tmp_path, memory=True, ui=False).start()
    os.killpg(server.info.pid, signal.SIGKILL)
    await until_gone(server.info.pid)
    assert (tmp_path / "server.json").exists()
    assert DevServer.find(tmp_path) is None
    async with DevServer(tmp_path, memory=True, ui=False) as again:
        assert not again.joined


@pytest.mark.parametrize(
    "note", ["", "[]", '{"address": "x"}', '{"address": "a", "ui": "", "pid": 1, "owner": 0}']
)
def test_a_broken_note_does_not_count(tmp_path: Path, note: str) -> None:
    (tmp_path / "server.json").write_text(note)
    assert DevServer.find(tmp_path) is None


def test_a_note_whose_port_is_another_servers_by_now_does_not_count(
    server: DevServer, tmp_path: Path
) -> None:
    note = ServerInfo(address=server.address, ui="", pid=os.getpid(), owner=0)
    (tmp_path / "server.json").write_text(json.dumps(asdict(note)))
    assert DevServer.find(tmp_path) is None


async def test_processes_that_start_at_once_share_one_detached_server(tmp_path: Path) -> None:
    starters = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", STARTER, str(tmp_path), stdout=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    async with asyncio.timeout(60):
        said = [(await each.communicate())[0].decode().split() for each in starters]
    found = DevServer.find(tmp_path)
    assert found is not None
    assert {pid for pid, _ in said} == {str(found.pid)}
    assert sorted(joined for _, joined in said) == ["False", "True", "True"]
    await servers.stop(found)
    assert probe.gone(found.pid)


async def test_a_joined_server_keeps_running_but_can_be_stopped(tmp_path: Path) -> None:
    first = await DevServer(tmp_path, memory=True, ui=False).start()
    async with DevServer(tmp_path, memory=True, ui=False) as second:
        assert second.joined
    assert DevServer.find(tmp_path) == first.info
    second = await DevServer(tmp_path).start()
    await second.stop()
    await second.stop()
    assert DevServer.find(tmp_path) is None


@pytest.mark.slow
async def test_a_server_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    owner = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        STARTER.replace("detach=True", "detach=False").replace("flush=True)", "flush=True); os._exit(9)"),
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        said = (await owner.communicate())[0].decode().split()
    pid, joined = said
    assert joined == "False"
    async with DevServer(tmp_path, memory=True, ui=False) as server:
        assert not server.joined
        assert server.info.pid != int(pid)
    await until_gone(int(pid))


def test_a_free_port_is_given_to_no_other_process() -> None:
    """Between the choice of a port and the start of a server on it, tests beside this one take ports, too."""
    for port in probe.free_ports(2):
        with socket.socket() as another, pytest.raises(OSError, match="in use"):
            another.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)):
            assert probe.listens(f"127.0.0.1:{port}")


async def test_a_port_that_is_taken_is_named(server: DevServer, tmp_path: Path) -> None:
    port = int(server.address.rpartition(":")[2])
    with pytest.raises(PortTaken, match=str(port)):
        await DevServer(tmp_path, port=port).start()


@pytest.mark.parametrize("taken", [False, True], ids=["free", "taken"])
async def test_the_standard_ports_are_used_if_they_are_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    usual = probe.free_ports(2)
    for name, port in zip(("PORT", "UI_PORT"), usual, strict=True):
        monkeypatch.setattr(servers, name, port)
    with ExitStack() as stack:
        for port in usual if taken else []:
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        async with DevServer(tmp_path, memory=True, standard_ports=True) as server:
            used = {int(server.address.rpartition(":")[2]), int(server.ui.rpartition(":")[2])}
            assert used.isdisjoint(usual) if taken else used == set(usual)


async def test_a_standard_port_that_is_taken_during_the_start_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [port] = probe.free_ports(1)
    monkeypatch.setattr(servers, "PORT", port)
    is_free = probe.is_free
    with ExitStack() as others:

        def late(wanted: int) -> bool:
            """Report the port as free, and have another program take it right then, once."""
            if wanted == port and is_free(port):
                others.enter_context(socket.create_server(("127.0.0.1", port)))
                return True
            return is_free(wanted)

        monkeypatch.setattr(probe, "is_free", late)
        async with DevServer(tmp_path, memory=True, ui=False, standard_ports=True) as server:
            assert not server.address.endswith(f":{port}")


async def test_servers_of_two_folders_that_start_at_once_have_ports_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, port in zip(("PORT", "UI_PORT"), probe.free_ports(2), strict=True):
        monkeypatch.setattr(servers, name, port)
    both = [DevServer(tmp_path / name, memory=True, standard_ports=True) for name in ("one", "two")]
    try:
        await asyncio.gather(*(each.start() for each in both))
        assert both[0].address != both[1].address
        assert all(probe.serves(each.info.pid, each.address) for each in both)
    finally:
        for each in both:
            await each.stop()


async def test_a_server_that_dies_at_its_start_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "temporal.db").mkdir()
    with pytest.raises(DevServerFailed, match=r"(?i)database|temporal\.db"):
        await DevServer(tmp_path, ui=False).start()
    assert DevServer.find(tmp_path) is None


async def test_a_server_that_ignores_sigterm_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "STOP_TIMEOUT", 0.2)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", deaf, stdout=asyncio.subprocess.PIPE, process_group=0
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"deaf\n"
    await servers.stop(ServerInfo("127.0.0.1:1", "", process.pid, os.getpid()))
    async with asyncio.timeout(30):
        await process.wait()


async def test_without_its_package_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(DevServerMissing, match=r'pip install "holdfast\[dev\]"'):
        await DevServer(tmp_path).start()


async def test_the_session_attributes_are_there_at_the_start(server: DevServer) -> None:
    client = await connect(server.address)
    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace="default")
    )
    assert described.namespace_info.name == "default"
    assert await ensure_search_attributes(client) == []
