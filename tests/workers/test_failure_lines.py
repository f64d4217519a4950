"""What ``holdfast worker`` and ``holdfast dev`` print when they cannot start: one line, with one remedy."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast_temporal import DevServer

from .running import Running, started

APPS = {
    "shop": "from holdfast import Agent, App\napp = App(agents=[Agent('clerk', model='openai:gpt')])\n",
    "misspelt": "from holdfast import Agent\nAgent('a', model='openai:gpt', instructon='x')\n",
    "exiting": "raise SystemExit('no database')\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in APPS.items():
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "file").write_text("")
    return tmp_path


@pytest.fixture
def taken() -> Iterator[str]:
    """A port that another program has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


async def line(running: Running, code: int) -> str:
    """The one line that the command printed as its error, after it ended with this code."""
    assert await running.ended() == code
    [found] = [each for each in running.lines if each.startswith("holdfast: ")]
    assert running.lines[-1] == found
    return found


@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("nowhere:app", "run from the folder that contains the module. (no module 'nowhere' in "),
        ("shop:ap", "name it as `module:attribute`"),
        ("misspelt:app", "Agent: No field 'instructon'; did you mean 'instructions'?"),
        ("exiting:app", "exiting.py:1: SystemExit: no database"),
    ],
)
async def test_an_app_that_cannot_be_loaded(folder: Path, app: str, says: str) -> None:
    async with started("worker", app, cwd=folder, home=str(folder)) as worker:
        assert says in await line(worker, 2)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"temporal_address": "nonsense"},
            "HOLDFAST_TEMPORAL_ADDRESS, or --address: 'nonsense' is not host:port",
        ),
        (
            {"state_url": "mysql://x"},
            "HOLDFAST_STATE_URL: no state store for mysql:; use sqlite:///path, file:/path or",
        ),
        (
            {"state_url": "nonsense"},
            "HOLDFAST_STATE_URL: it is not a database URL; use sqlite:///path, file:/path or",
        ),
        ({"memory_url": "redis://x"}, "HOLDFAST_MEMORY_URL: redis: is not a memory store. Use postgresql://"),
        ({"embeddings": "foo"}, "HOLDFAST_EMBEDDINGS: 'foo' is not an embedder. Use none, minilm:/path"),
        ({"embeddings": "openai:small"}, "openai:small needs a key; set OPENAI_API_KEY"),
        ({"providers": "{x"}, "HOLDFAST_PROVIDERS: "),
        ({"graceful_seconds": "soon"}, "HOLDFAST_GRACEFUL_SECONDS: Input should be a valid number"),
        ({"health_port": "TAKEN"}, "HOLDFAST_HEALTH_PORT: 127.0.0.1:TAKEN: Address already in use"),
        ({"tls": "perhaps"}, "HOLDFAST_TLS is 'perhaps'; use true or false"),
        ({"tls_cert": "file"}, "HOLDFAST_TLS_CERT and HOLDFAST_TLS_KEY belong together; set both or none"),
        ({"tls_ca": "nowhere"}, "HOLDFAST_TLS_CA names nowhere, which cannot be read"),
        ({"tls": "true"}, "HOLDFAST_TLS: SERVER answers without TLS; set it to false"),
        ({"namespace": "nope"}, "HOLDFAST_NAMESPACE: Namespace nope is not found"),
    ],
)
async def test_a_setting_that_cannot_be_used(
    server: DevServer,
    folder: Path,
    taken: str,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    says: str,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    given = {
        "home": str(folder),
        "temporal_address": server.address,
        "task_queue": uuid.uuid4().hex,
        "maintenance_every": "0",
        **{name: value.replace("TAKEN", taken) for name, value in settings.items()},
    }
    async with started("worker", "shop:app", cwd=folder, **given) as worker:
        assert says.replace("TAKEN", taken).replace("SERVER", server.address) in await line(worker, 2)


async def test_dev_names_a_port_that_is_taken_and_a_folder_that_cannot_be_made(
    folder: Path, taken: str
) -> None:
    async with started("dev", "shop:app", "--port", taken, cwd=folder, home=str(folder)) as dev:
        assert f"stop the program that has it, or choose another port. ({taken})" in await line(dev, 2)
    async with started("dev", "shop:app", cwd=folder, home=str(folder / "file" / "home")) as dev:
        assert "HOLDFAST_HOME: " in await line(dev, 2)
