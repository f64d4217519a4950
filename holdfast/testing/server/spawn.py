"""A scripted model in a separate process, for workers that run in other processes."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from .requests import Seen

_TIMEOUT = 5.0  # seconds


class SpawnedModel:
    """A scripted model in another process, read and switched over HTTP."""

    def __init__(self, url: str, pid: int) -> None:
        """The model that serves at ``url``."""
        self.url = url
        self.openai_url = f"{url}/v1"
        self.pid = pid

    @property
    def requests(self) -> list[Seen]:
        """The requests received, in order."""
        rows: list[dict[str, Any]] = self._get("/_requests")
        return [Seen(**{**row, "body": row["body"].encode()}) for row in rows]

    def dead(self, *, drop: bool = False) -> None:
        """See ``ScriptedModel.dead``."""
        self._get("/_dropping" if drop else "/_dead")

    def alive(self) -> None:
        """Answer as the script says again."""
        self._get("/_alive")

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=_TIMEOUT) as answer:  # noqa: S310 - loopback
            return json.load(answer)


def asked(requests: list[Seen]) -> Counter[tuple[str, int]]:
    """Count the requests of each step: by conversation and number of tool results in it."""
    return Counter((seen.conversation, seen.results) for seen in requests)


@contextmanager
def spawn(script: str, port: int) -> Generator[SpawnedModel]:
    """Serve ``script`` from a separate process while the context lasts."""
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
            process.wait(_TIMEOUT)
