"""The program that serves a scripted model: ``python -m holdfast.testing.model --script module:name``."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
from contextlib import suppress
from pathlib import Path
from typing import Any

from .server.server import ScriptedModel


def load(script: str) -> Any:
    """Import the object that ``module:name`` or ``path/to/file.py:name`` names."""
    place, _, name = script.rpartition(":")
    if not place.endswith(".py"):
        return getattr(importlib.import_module(place), name)
    spec = importlib.util.spec_from_file_location(Path(place).stem, place)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


async def _serve(script: str, port: int) -> None:
    async with ScriptedModel(load(script), port=port) as model:
        print(model.url, flush=True)  # the parent process reads it
        await asyncio.Event().wait()


def main() -> None:
    """Serve until the process ends. The first line printed is the URL."""
    parser = argparse.ArgumentParser(description="Serve a scripted model over HTTP.")
    parser.add_argument("--script", required=True, help="module:name or path/to/file.py:name")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    options = parser.parse_args()
    # Only workers have uvloop; the standard loop serves as well.
    loop: Any = importlib.import_module("uvloop" if importlib.util.find_spec("uvloop") else "asyncio")
    with suppress(KeyboardInterrupt):
        loop.run(_serve(options.script, options.port))


if __name__ == "__main__":
    main()
