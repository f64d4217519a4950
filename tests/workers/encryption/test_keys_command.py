"""The commands ``holdfast keys …``, as a user types them, on a real server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast import Agent, App, Memory
from holdfast.testing import Environment, ScriptedModel, say
from holdfast_temporal import DevServer
from holdfast_temporal.encryption import key_file
from holdfast_workers.encryption.changing import encrypt_again, remove
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import KeyInUse
from tests.support import always
from tests.temporal.encryption.keys import write_keys

CLERK = App(agents=[Agent("clerk", model="openai:gpt-test", instructions="Answer.", memory=Memory())])


def holdfast(
    home: Path, *arguments: str, keys: str = "", address: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command with its settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    environment |= {"HOLDFAST_HOME": str(home), "HOLDFAST_KEYS": keys or f"file:{home}/keys"}
    if address:
        environment["HOLDFAST_TEMPORAL_ADDRESS"] = address
    return subprocess.run(
        [Path(sys.executable).with_name("holdfast"), *arguments],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def ids(home: Path) -> list[str]:
    """The ids in the key file, the primary first."""
    return [key.id for key in key_file.parse((home / "keys").read_text(), "keys")]


def test_the_first_added_key_is_the_primary_and_later_ones_decrypt_only(tmp_path: Path) -> None:
    first = holdfast(tmp_path, "keys", "add")
    second = holdfast(tmp_path, "keys", "add")
    assert "was added as the primary key" in first.stdout
    assert "decrypts only" in second.stdout
    assert len(ids(tmp_path)) == 2
    assert second.stdout.split()[0] == ids(tmp_path)[1]


def test_keys_of_a_variable_are_printed_and_not_changed(tmp_path: Path) -> None:
    refused = holdfast(tmp_path, "keys", "add", keys="env:MY_KEYS")
    assert (refused.returncode, "holdfast keys add --print" in refused.stderr) == (2, True)
    printed = holdfast(tmp_path, "keys", "add", "--print", keys="env:MY_KEYS")
    [key] = key_file.parse(printed.stdout, "printed")
    assert len(key.secret) == 32
    assert not (tmp_path / "keys").exists()


async def test_the_primary_key_is_not_removed(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "new", "old")
    settings = Settings.load(keys=f"file:{tmp_path}/keys", home=tmp_path)
    with pytest.raises(KeyInUse, match="new is the primary key"):
        await remove(settings, "new", lambda _: None)
    assert ids(tmp_path) == ["new", "old"]


@pytest.mark.slow
async def test_a_rotated_key_is_removed_only_when_nothing_needs_it(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    keys = f"file:{tmp_path}/keys"
    async with (
        DevServer(tmp_path / "server", memory=True, ui=False) as server,
        ScriptedModel(always(say("Fine."))) as model,
    ):
        state, memory = f"sqlite:///{tmp_path}/state.db", f"sqlite:///{tmp_path}/memory.db"
        async with Environment.start(
            CLERK, model, server=server.address, keys=keys, state_url=state, memory_url=memory
        ) as running:
            session = await running.client.start("clerk", "First", user="u1")
            await session.wait()
            rotated = holdfast(tmp_path, "keys", "rotate", address=server.address)
            assert rotated.returncode == 0, rotated.stderr
            assert "encrypted by" in rotated.stdout
            new = ids(tmp_path)[0]
            assert ids(tmp_path) == [new, "k1"]
            listed = holdfast(tmp_path, "keys", "list").stdout.splitlines()
            assert listed[0].split()[:2] == [new, "primary"]
            assert listed[1].split()[:3] == ["k1", "decrypts", "0"]

            used = holdfast(tmp_path, "keys", "remove", "k1", address=server.address)
            assert (used.returncode, f"payloads of {session.id}" in used.stderr) == (2, True)
            primary = holdfast(tmp_path, "keys", "remove", new, address=server.address)
            assert (primary.returncode, "is the primary key" in primary.stderr) == (2, True)
            assert (await session.send("Second")).text == "Fine."
        async with DevServer(tmp_path / "other", memory=True, ui=False) as other:
            removed = holdfast(tmp_path, "keys", "remove", "k1", address=other.address)
            assert removed.stdout == "k1 was removed\n", removed.stderr
    assert ids(tmp_path) == [new]


async def test_a_key_that_encrypted_rows_is_not_removed(tmp_path: Path) -> None:
    old = write_keys(tmp_path / "keys", "k1")
    keys = f"file:{tmp_path}/keys"
    async with (
        DevServer(tmp_path / "server", memory=True, ui=False) as server,
        ScriptedModel(always(say("Fine."))) as model,
    ):
        state = f"sqlite:///{tmp_path}/state.db"
        async with Environment.start(CLERK, model, server=server.address, keys=keys, state_url=state) as it:
            await (await it.client.start("clerk", "First")).wait()
        write_keys(tmp_path / "keys", "k2", "k1", keep=old)
        used = holdfast(tmp_path, "keys", "remove", "k1", address=server.address)
        assert (used.returncode, "k1 encrypted" in used.stderr) == (2, True)
        assert ids(tmp_path) == ["k2", "k1"]


async def test_encrypting_again_continues_where_it_was_interrupted(tmp_path: Path) -> None:
    old = write_keys(tmp_path / "keys", "k1")
    keys = f"file:{tmp_path}/keys"
    async with (
        DevServer(tmp_path / "server", memory=True, ui=False) as server,
        ScriptedModel(always(say("Fine."))) as model,
    ):
        state = f"sqlite:///{tmp_path}/state.db"
        async with Environment.start(CLERK, model, server=server.address, keys=keys, state_url=state) as it:
            await (await it.client.start("clerk", "First")).wait()
        write_keys(tmp_path / "keys", "k2", "k1", keep=old)
        settings = Settings.load(keys=keys, home=tmp_path, state_url=state, temporal_address=server.address)
        lines: list[str] = []

        def interrupted(line: str) -> None:
            lines.append(line)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await encrypt_again(settings, interrupted, temporal=False)
        lines.clear()
        assert await encrypt_again(settings, lines.append) == 0
        assert lines[-1] == "bindings and schedules: done"
        lines.clear()
        await encrypt_again(settings, lines.append, temporal=False)
        assert lines == ["0 rows and 0 memories encrypted by k2"]
