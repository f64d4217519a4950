"""A worker process of a scratch deployment, for drills; its argument is JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from holdfast_temporal import connect
from holdfast_workers.settings import Settings

from .deployment import Place, serving

_CHECK: Final = 1.0


async def main(given: dict[str, Any]) -> None:
    """Serve until the process is killed, or its parent ends."""
    settings, parent = Settings.load(), os.getppid()
    client = await connect(settings=settings.connection(), folder=settings.home)
    made = Place(client, given["queue"], given["urls"], Path(given["folder"]))
    async with serving(made, settings, given["name"]):
        while os.getppid() == parent:  # noqa: ASYNC110 # the system reports no event of a parent's end
            await asyncio.sleep(_CHECK)


asyncio.run(main(json.loads(sys.argv[1])))
