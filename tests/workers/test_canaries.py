"""Canaries: secrets from every source, mishandled in every way, are found in nothing that a deployment writes."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import uuid
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from temporalio.client import ActivityFailureError, Client
from temporalio.common import RetryPolicy

from holdfast import Session, connect
from holdfast.testing import Call, Reply, Request, ScriptedModel, say
from holdfast_temporal import DevServer

from ..support import eventually
from .canaries import LEAKS
from .running import Running, started

KNOWN = (*LEAKS, "provider", "gateway", "http", "mcp")
"""Secrets that the worker reads."""

SHAPED = {
    "github": "ghp_" + "c4n4ry" * 6,
    "stripe": "sk_" + "live_" + "c4n4ry" * 4,
    "webhook": "whsec_" + "c4n4ry" * 6,
    "database": "c4n4ry-password-42",
}
"""Secrets that it does not know, in what a tool returns."""

CONFIG = "token={github}\nstripe: {stripe}\nhook {webhook}\npostgresql://clerk:{database}@db.internal/books\n"


def made(name: str) -> str:
    return SHAPED.get(name) or f"c4n4ry-{name}-{uuid.uuid5(uuid.NAMESPACE_DNS, name).hex[:16]}"


def forms(secret: str) -> list[bytes]:
    """How a secret may be written; the middle of base64 does not depend on what stands around it."""
    raw = secret.encode()
    encoded = [base64.b64encode(b"?" * n + raw)[4:-4] for n in range(3)]
    return [raw, raw.hex().encode(), quote(secret, safe="").encode(), *encoded]


def script(request: Request) -> Reply:
    """A model that repeats its own key and lets tools leak theirs."""
    key = request.headers["authorization"].removeprefix("Bearer ")
    gateway = request.headers["x-gateway"].removeprefix("Token ")
    leaks = [name for name in LEAKS if name not in ("probe", "instructions", "activity", "cause")]
    if "Pay" in request.conversation:
        return Reply(calls=(Call("pay", {}),))
    if not request.results:
        return say(f"My key is {key}.") + Reply(calls=tuple(Call("leak", {"how": how}) for how in leaks))
    if request.results == len(leaks):
        calls = [
            Call("config", {}),
            Call("echo", {"url": os.environ["CANARY_ECHO"] + "/"}),
            Call("notes__environment", {}),
            Call("look_up", {}),
            Call("remember", {"text": f"The gateway's token is {gateway}."}),
        ]
        return Reply(calls=tuple(calls))
    return say(f"Done, with {gateway}. " + "Bye. " * 30).but(pace=0.02)


@asynccontextmanager
async def echo() -> AsyncGenerator[str]:
    """A server that repeats the headers it receives."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(head))
        writer.write(head)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _waits(session: Session[str]) -> bool:
    return (await session.view()).status == "needs_person"


async def _failing_activity(client: Client) -> None:
    """The user's own activity, which fails."""
    with pytest.raises(ActivityFailureError):
        await client.execute_activity(
            "own_activity",
            id="own",
            task_queue="holdfast",
            start_to_close_timeout=timedelta(seconds=10),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


def _worker(
    patch: pytest.MonkeyPatch, home: Path, address: str, model: str, temporal: str, port: int
) -> AbstractAsyncContextManager[Running]:
    patch.setenv("CANARY_ECHO", address)
    own = {
        "kind": "openai",
        "base_url": model,
        "key_from": "env:CANARY_PROVIDER",
        "headers": {"x-gateway": "Token ${env:CANARY_GATEWAY}"},
    }
    return started(
        "worker",
        "tests.workers.canaries:app",
        temporal_address=temporal,
        home=str(home),
        health_port=str(port),
        providers=json.dumps({"openai": own}),
    )


async def the_run(folder: Path, patch: pytest.MonkeyPatch, port: int) -> bytes:
    """A run with failures; everything that the deployment has written."""
    async with (
        echo() as address,
        ScriptedModel(script) as model,
        DevServer(folder / "temporal", ui=False) as server,
        _worker(patch, folder / "home", address, model.openai_url, server.address, port) as worker,
    ):
        await worker.ready()
        client = await connect(server.address)
        session = await client.start("clerk", "Go", streaming=True)
        events = [event async for event in session.stream()]
        waiting = await client.start("clerk", "Pay")
        broken = await client.start("instructed", "Go")
        await broken.wait(raise_on_error=False)
        await eventually(lambda: _waits(waiting), 60)
        await _failing_activity(await Client.connect(server.address))
        shown = [str(events), str(await session.view()), str(await waiting.view()), str(await broken.view())]
        shown += [str(entry) async for entry in session.log()]
        prompts = [seen.body for seen in model.requests]
        metrics = await asyncio.to_thread(lambda: urlopen(f"http://127.0.0.1:{port}/metrics").read())
        worker.signal(signal.SIGTERM)
        await worker.ended()
        said = worker.text
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("canary", "config")]
    assert {"temporal.db", "state.db", "memory.db"} <= {path.name for path in files}
    return b"\n".join(
        [
            said.encode(),
            metrics,
            *prompts,
            *(text.encode() for text in shown),
            *(f.read_bytes() for f in files),
        ]
    )


@pytest.fixture(scope="module", params=["on", "off"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """Whether redaction is on, and all that was written."""
    folder = tmp_path_factory.mktemp(f"canaries-{request.param}")
    with pytest.MonkeyPatch.context() as patch, socket.socket() as free:
        for name in os.environ:
            if name.startswith("HOLDFAST_"):
                patch.delenv(name)
        for name in KNOWN:
            patch.setenv(f"CANARY_{name.upper()}", made(name))
        patch.setenv("REDACTION", request.param)
        patch.setenv("CANARY_HOME", str(folder))
        patch.setenv("HOLDFAST_HOME", str(folder / "home"))
        (folder / "canary").write_text(made("file"))
        (folder / "config").write_text(CONFIG.format(**SHAPED))
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        return request.param, asyncio.run(asyncio.wait_for(the_run(folder, patch, port), 150))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*KNOWN, *SHAPED])
def test_a_secret_is_found_nowhere_and_everywhere_without_redaction(
    written: tuple[str, bytes], name: str
) -> None:
    redaction, everything = written
    found = [form for form in forms(made(name)) if form in everything]
    if redaction == "on":
        where = [everything[max(0, (at := everything.index(form)) - 200) : at + 80] for form in found]
        assert not found, where
    else:
        assert found


@pytest.mark.slow
def test_what_was_redacted_says_so(written: tuple[str, bytes]) -> None:
    redaction, everything = written
    kinds = {b"[redacted:secret]", b"[redacted:provider-key]", b"[redacted:github-token]"}
    assert {kind for kind in kinds if kind in everything} == (kinds if redaction == "on" else set())
