"""MCP servers from npm for tests, installed once into a cache folder."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PACKAGES = {
    "@modelcontextprotocol/server-everything": "2026.8.31",
    "@modelcontextprotocol/server-memory": "2026.8.31",
}
REQUIRED = os.environ.get("HOLDFAST_REQUIRE_NPM") == "1"

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
_FOLDER = _CACHE / "holdfast" / f"npm-mcp-{'-'.join(sorted(set(PACKAGES.values())))}"


def npm_server(name: str) -> list[str]:
    """The command of a server, such as ``server-memory``; skips the test if it cannot be installed."""
    package = f"@modelcontextprotocol/{name}"
    program = _FOLDER / "node_modules" / package / "dist" / "index.js"
    if not program.exists() and (problem := _install()):
        if REQUIRED:
            pytest.fail(problem)
        pytest.skip(problem)
    return ["node", str(program)]


def _install() -> str:
    """Install the packages; return why not, or an empty text."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "there is no npm; install Node.js"
    _FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_FOLDER.parent) as made:
        wanted = [f"{package}@{version}" for package, version in PACKAGES.items()]
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", made, *wanted]
        done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
        if done.returncode:
            return f"npm could not install {', '.join(wanted)}: {done.stderr[-300:]}"
        try:
            Path(made).rename(_FOLDER)
        except OSError:
            return "" if _FOLDER.exists() else "the cache folder of npm packages cannot be written"
        Path(made).mkdir()
    return ""
