"""A scripted model as a process of its own, for workers that live in other processes."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Coroutine, Generator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from .requests import Seen

_STOP = 5.0  # seconds


class SpawnedModel:
    """A scripted model in another process; ``requests`` and ``asked`` read it over HTTP."""

    def __init__(self, url: str, pid: int) -> None:
        """The model that serves at ``url``."""
        self.url = url
        self.openai_url = f"{url}/v1"
        self.pid = pid

    @property
    def requests(self) -> list[Seen]:
        """What was asked, in order."""
        rows: list[dict[str, Any]] = self._get("/_requests")
        return [Seen(**{**row, "body": row["body"].encode()}) for row in rows]

    def dead(self, *, drop: bool = False) -> None:
        """From now on answer 503, or with ``drop`` break each connection; requests are recorded all the same."""
        self._get("/_dropping" if drop else "/_dead")

    def alive(self) -> None:
        """From now on answer as the script says."""
        self._get("/_alive")

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=_STOP) as answer:  # noqa: S310 - loopback
            return json.load(answer)


def asked(requests: list[Seen]) -> Counter[tuple[str, int]]:
    """How often each step was asked: requests by conversation and number of tool results in it."""
    return Counter((seen.conversation, seen.results) for seen in requests)


@contextmanager
def spawn(script: str, port: int) -> Generator[SpawnedModel]:
    """Serve ``script`` from a process of its own while the context lasts."""
    command = [sys.executable, "-m", "holdfast.testing.model", "--script", script, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError(f"The scripted model {script} did not start; its error is above.")
            yield SpawnedModel(url, process.pid)
        finally:
            process.terminate()
            process.wait(_STOP)


class _Serve(Protocol):
    def __call__(self, script: Any, *, port: int = 0) -> AbstractAsyncContextManager[Any]: ...


def load(script: str) -> Any:
    """What ``module:name`` or ``path/to/file.py:name`` names."""
    place, _, name = script.rpartition(":")
    if not place.endswith(".py"):
        return getattr(importlib.import_module(place), name)
    spec = importlib.util.spec_from_file_location(Path(place).stem, place)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def main(serve: _Serve) -> None:
    """Serve until the process is ended; the first line printed is the URL."""
    parser = argparse.ArgumentParser(description="Serve a scripted model over HTTP.")
    parser.add_argument("--script", required=True, help="module:name or path/to/file.py:name")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    options = parser.parse_args()

    script = load(options.script)

    async def forever() -> None:
        async with serve(script, port=options.port) as model:
            print(model.url, flush=True)  # the parent reads it
            await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        _run(forever())


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop  # only workers have it; the standard loop serves as well
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)
