"""A Weaviate server for tests: `HOLDFAST_TEST_WEAVIATE_URL`, or the program of `make weaviate`."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from holdfast_temporal import probe

VERSION = (Path(__file__).parents[1] / ".ci/weaviate-version").read_text("utf-8").strip()

# Read at import, since a fixture removes these variables.
NAMED = os.environ.get("HOLDFAST_TEST_WEAVIATE_URL", "")
_REQUIRED = bool(os.environ.get("CI") or os.environ.get("HOLDFAST_REQUIRE_WEAVIATE"))
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")

PROGRAM = _CACHE / "holdfast" / f"weaviate-{VERSION}" / "weaviate-server"
START_SECONDS = 60.0
_PORTS = (
    "GRPC_PORT",
    "CLUSTER_GOSSIP_BIND_PORT",
    "CLUSTER_DATA_BIND_PORT",
    "RAFT_PORT",
    "RAFT_INTERNAL_RPC_PORT",
)


class WeaviateServer:
    """A server on free ports of this machine, with a data folder of its own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hf-weaviate-"))
        self._port, *others = probe.free_ports(1 + len(_PORTS))
        self._ports = dict(zip(_PORTS, others, strict=True))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server on its existing data, and wait until it is ready."""
        environment = {
            **{name: str(port) for name, port in self._ports.items()},
            "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
            "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",
            "CLUSTER_HOSTNAME": "node1",
            "DEFAULT_VECTORIZER_MODULE": "none",
            "DISABLE_TELEMETRY": "true",
            "GO_PROFILING_DISABLE": "true",  # else it takes port 6060
            "LOG_LEVEL": "error",
            "PERSISTENCE_DATA_PATH": str(self.folder / "data"),
            "RAFT_BOOTSTRAP_EXPECT": "1",
        }
        command = [str(PROGRAM), "--host", "127.0.0.1", "--port", str(self._port), "--scheme", "http"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=os.environ | environment, cwd=self.folder, stdout=log, stderr=log
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                answer = httpx.get(f"http://127.0.0.1:{self._port}/v1/.well-known/ready", timeout=1.0)
                if answer.is_success:
                    return
            except httpx.TransportError:
                pass  # not yet
            time.sleep(0.1)
        log = (self.folder / "log").read_text("utf-8", "replace")[-2_000:]
        self.stop()
        pytest.fail(f"the Weaviate server did not start:\n{log}")

    def kill(self) -> None:
        """Send SIGKILL. ``start`` starts the server again."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def freeze(self) -> None:
        """Stop answering but keep connections open, until ``thaw``."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # Wait for the signal to arrive, since the server may answer one more call before.
        os.waitpid(self._process.pid, os.WUNTRACED)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it and remove its data."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder)

    def url(self, name: str, *, grpc: int = 0) -> str:
        """Return the URL of the memories with this name."""
        return f"weaviate://127.0.0.1:{self._port}/{name}?grpc={grpc or self._ports['GRPC_PORT']}"


class NamedWeaviate:
    """The server at ``HOLDFAST_TEST_WEAVIATE_URL``."""

    def url(self, name: str) -> str:
        """Return the URL of the memories with this name."""
        parts = urlsplit(NAMED)
        return parts._replace(path=f"/{name}", query=urlencode(parse_qsl(parts.query))).geturl()

    def stop(self) -> None:
        """Leave the external server running."""


def find_weaviate() -> WeaviateServer | NamedWeaviate:
    """Return the external server, or start one."""
    return NamedWeaviate() if NAMED else start_weaviate()


def start_weaviate() -> WeaviateServer:
    """Start a server that a test may kill; skip the test if the program is not installed."""
    if not PROGRAM.is_file():
        (pytest.fail if _REQUIRED else pytest.skip)(
            "there is no Weaviate server; run `make weaviate`, which needs Go, or set HOLDFAST_TEST_WEAVIATE_URL"
        )
    server = WeaviateServer()
    server.start()
    return server
