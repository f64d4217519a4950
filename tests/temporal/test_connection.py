from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.service import TLSConfig

from holdfast_temporal import Connection, connect, data_converter
from holdfast_temporal.server import DevServer
from holdfast_workflows.contracts.errors import InsecureConnection, SettingsInvalid, TemporalUnreachable


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """A port that accepts connections and never says a word."""
    done = asyncio.Event()

    async def keep(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    done.set()
    server.close()
    await server.wait_closed()


async def test_a_client_speaks_in_our_converter(server: DevServer) -> None:
    client = await connect(server.address, identity="me")
    assert client.data_converter is data_converter
    assert client.identity == "me"
    assert client.namespace == "default"


async def test_a_refused_connection_is_reported_at_once_with_the_remedy() -> None:
    async with asyncio.timeout(30):
        with pytest.raises(TemporalUnreachable, match=r"holdfast dev.*127\.0\.0\.1:1: connection refused"):
            await connect("127.0.0.1:1", within=90)


async def test_a_server_that_does_not_answer_times_out(silent: str) -> None:
    async with asyncio.timeout(30):
        with pytest.raises(TemporalUnreachable, match=r"no answer in 0\.3 s"):
            await connect(silent, within=0.3)


async def test_an_api_key_does_not_travel_unencrypted_to_another_machine(server: DevServer) -> None:
    with pytest.raises(InsecureConnection, match=r"far\.example:7233"):
        await connect("far.example:7233", api_key="secret", tls=False)
    await connect(server.address, api_key="secret", tls=False)


async def test_an_api_key_alone_turns_tls_on(silent: str) -> None:
    with pytest.raises(TemporalUnreachable):
        await connect(silent, api_key="secret", within=0.3)


def test_settings_are_read_from_the_environment(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / "secret").write_text("s3cret\n")
    read = Connection.from_environment({
        "HOLDFAST_TEMPORAL_ADDRESS": "host:7233",
        "HOLDFAST_NAMESPACE": "prod",
        "HOLDFAST_TLS_CA": str(tmp_path / "ca"),
        "HOLDFAST_TLS_CERT": str(tmp_path / "cert"),
        "HOLDFAST_TLS_KEY": str(tmp_path / "key"),
        "HOLDFAST_TLS_SERVER_NAME": "name",
        "HOLDFAST_API_KEY_FILE": str(tmp_path / "secret"),
    })  # fmt: skip
    assert (read.address, read.namespace, read.api_key) == ("host:7233", "prod", "s3cret")
    assert read.tls == TLSConfig(
        server_root_ca_cert=b"ca", client_cert=b"cert", client_private_key=b"key", domain="name"
    )


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("OFF", False), ("", None)])
def test_tls_is_switched_by_a_word(said: str, meant: bool | None) -> None:
    assert Connection.from_environment({"HOLDFAST_TLS": said}).tls is meant


def test_an_invalid_setting_is_named() -> None:
    with pytest.raises(SettingsInvalid, match="HOLDFAST_TLS is 'maybe'"):
        Connection.from_environment({"HOLDFAST_TLS": "maybe"})
    with pytest.raises(SettingsInvalid, match="HOLDFAST_API_KEY_FILE names /nowhere"):
        Connection.from_environment({"HOLDFAST_API_KEY_FILE": "/nowhere"})
