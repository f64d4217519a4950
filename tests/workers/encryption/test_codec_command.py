"""The command ``holdfast codec-server``, and the codec server of ``holdfast dev``, as processes."""

import signal
import time
import uuid
from pathlib import Path

import httpx
from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.common.v1 import Payloads

from holdfast_activities.identity import api_keys
from holdfast_temporal import Connection, DevServer, data_converter, probe
from holdfast_workflows.contracts.control.identity import Principal
from tests.temporal.encryption.keys import write_keys
from tests.workers.running import started

APP = "tests.workers.sample:app"
CANARY = "canary-20718"
TOKEN = "a-token-of-more-than-32-characters-1234"


async def decoded(url: str, connection: Connection, headers: dict[str, str]) -> object:
    """What the server at a URL answers for an encrypted canary."""
    body = MessageToDict(Payloads(payloads=await connection.converter().encode([CANARY])))
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{url}/decode", json=body, headers=headers)
    if answer.status_code != 200:
        return answer.status_code
    [value] = await data_converter.decode(ParseDict(answer.json(), Payloads()).payloads)
    return value


async def test_the_command_decrypts_for_who_has_a_token_and_logs_each_request(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    (tmp_path / "tokens").write_text(f"ann:{TOKEN}\n")
    reference = f"file:{tmp_path}/keys"
    async with started(
        "codec-server", "--tokens", f"file:{tmp_path}/tokens", "--port", "0", "--namespace", "prod",
        keys=reference, home=str(tmp_path),
    ) as server:  # fmt: skip
        line = await server.said("codec server at")
        url = "http://" + line.partition("http://")[2].split()[0]
        good = {"Authorization": f"Bearer {TOKEN}", "X-Namespace": "prod"}
        connection = Connection(namespace="prod", keys=reference)
        assert await decoded(url, connection, good) == CANARY
        assert await decoded(url, connection, {**good, "X-Namespace": "default"}) == 403
        assert await decoded(url, connection, {"X-Namespace": "prod"}) == 401
        await server.said("codec decode: done by ann")
        await server.said("codec decode: token by no valid token")
        server.signal(signal.SIGTERM)
        assert await server.ended() == 0
    assert TOKEN not in server.text
    assert CANARY not in server.text


async def test_operators_of_the_identity_provider_may_decrypt_and_others_may_not(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    reference, file = f"file:{tmp_path}/keys", tmp_path / "api-keys.json"
    (tmp_path / "identity").write_text("a secret of the deployment, for tests")
    principals = {
        "root": Principal(id="root", kind="operator", roles=("operator",)),
        "acme": Principal(id="acme", kind="operator", roles=("operator",), tenant="acme"),
        "ann": Principal(id="ann", roles=("user",)),
    }
    credentials = {
        name: api_keys.create(file, name, each, now=time.time()) for name, each in principals.items()
    }
    async with started(
        "codec-server", "--port", "0", keys=reference, home=str(tmp_path),
        identity_key=f"file:{tmp_path}/identity", identity_api_keys=str(file),
    ) as server:  # fmt: skip
        line = await server.said("codec server at")
        url = "http://" + line.partition("http://")[2].split()[0]
        answers = {
            name: await decoded(
                url,
                Connection(keys=reference),
                {"Authorization": f"Bearer {credential}", "X-Namespace": "default"},
            )
            for name, credential in credentials.items()
        }
        assert answers == {"root": CANARY, "acme": 401, "ann": 401}
        await server.said("codec decode: done by root")


async def test_a_worker_without_keys_does_not_start_on_a_queue_of_encrypted_sessions(
    tmp_path: Path, server: DevServer
) -> None:
    write_keys(tmp_path / "keys", "k1")
    settings = {
        "temporal_address": server.address,
        "task_queue": f"q-{uuid.uuid4().hex}",
        "home": str(tmp_path / "home"),
    }
    async with started("worker", APP, keys=f"file:{tmp_path}/keys", **settings) as worker:
        await worker.said("worker started")
        worker.signal(signal.SIGTERM)
        assert await worker.ended() == 0
    async with started("worker", APP, **settings) as worker:
        assert await worker.ended() != 0
        assert "HOLDFAST_KEYS" in worker.text
        assert "worker started" not in worker.text


async def test_the_command_without_keys_names_the_setting(tmp_path: Path) -> None:
    async with started("codec-server", "--tokens", "env:NOT_SET", home=str(tmp_path)) as server:
        assert await server.ended() == 2
    assert "HOLDFAST_KEYS is not set" in server.text


async def test_dev_gives_its_ui_a_codec_server_if_there_are_keys(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    reference = f"file:{tmp_path}/keys"
    [ui_port] = probe.free_ports(1)
    async with started(
        "dev", APP, "--ui-port", str(ui_port), keys=reference, home=str(tmp_path / "home")
    ) as dev:
        await dev.said("worker started", 60)
        async with httpx.AsyncClient(trust_env=False) as http:
            found = (await http.get(f"http://127.0.0.1:{ui_port}/api/v1/settings")).json()
        endpoint = found["Codec"]["Endpoint"]
        here = {"X-Namespace": "default", "Origin": f"http://127.0.0.1:{ui_port}"}
        connection = Connection(keys=reference)
        assert await decoded(endpoint, connection, here) == CANARY
        assert await decoded(endpoint, connection, {**here, "Origin": "http://evil.example"}) == 403
        assert await decoded(endpoint.rpartition("/")[0], connection, here) == 401
        dev.signal(signal.SIGINT)
        assert await dev.ended() == 0
