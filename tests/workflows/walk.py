"""Measure the walk of one message: the files whose functions run between ``send`` and its reply.

python -m tests.workflows.walk          print the table for docs/architecture.md
python -m tests.workflows.walk --write  write it there
"""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from holdfast import Agent, App, tool
from holdfast.testing import Environment, ScriptedModel, call, say
from tests.house.lengths import ROOT

PAGE = ROOT / "docs/architecture.md"
SECTION = "## One message with one tool call"
ROOMS = ("holdfast", "workflows", "activities", "workers", "client", "temporal")
PREFIXES = tuple(f"{ROOT / room}/" for room in ROOMS)
BACKGROUND = frozenset(
    {"Refresher._run", "BreakerStore.load", "RateStore.blocks", "Drainer._run", "TokenCalibration._save"}
)
"""Tasks that run at the same time, and for which no reply waits."""


@dataclass
class Walk:
    """A recorded walk.

    Attributes:
        files: The files of the product, in the order in which the message enters them.
        frames: The functions from the ``think`` activity to ``Model.complete``, without these two.
    """

    files: list[str] = field(default_factory=list[str])
    frames: list[str] = field(default_factory=list[str])
    recording: bool = False

    def profile(self, frame: FrameType, event: str, _: object) -> None:
        """A profile function: record each call of a function of the product."""
        code = frame.f_code
        if not self.recording or event != "call" or not code.co_filename.startswith(PREFIXES):
            return
        file = Path(code.co_filename).relative_to(ROOT).as_posix()
        if code.co_name == "<module>" or file.startswith("holdfast/testing/") or _in_background():
            return
        if file not in self.files:
            self.files.append(file)
        if self.frames:
            return
        if code.co_qualname == "Heartbeat.__enter__":
            self._outer = _callers(frame)
        elif code.co_name == "complete" and "/models/" in file:
            # The step runs in a task of its own, which `think` waits for.
            self.frames = [*self._outer[self._outer.index("Think.think") + 1 :], *_callers(frame)]

    def table(self) -> str:
        """The walk as a table, by folder."""
        folders: dict[str, list[str]] = {}
        for file in self.files:
            folder, _, name = file.rpartition("/")
            folders.setdefault(folder, []).append(name)
        rows = [
            f"| `{folder}/` | {', '.join(f'`{name}`' for name in names)} |"
            for folder, names in folders.items()
        ]
        return "\n".join(["| folder | files |", "|---|---|", *rows])


def _callers(frame: FrameType) -> list[str]:
    """The functions of the product that called this one, outermost first."""
    found: list[str] = []
    above = frame.f_back
    while above is not None:
        if above.f_code.co_filename.startswith(PREFIXES):
            found.insert(0, above.f_code.co_qualname)
        above = above.f_back
    return found


def _in_background() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False  # a thread: of the workflow, or of the log's writer
    return task is not None and getattr(task.get_coro(), "__qualname__", "") in BACKGROUND


@tool
async def look(at: str) -> str:
    """Look."""
    return f"seen {at}"


async def measure(server: str | None = None) -> Walk:
    """Send a message with one tool call to a session that has answered one before."""
    walk, before = Walk(), sys.getprofile()
    threading.setprofile(walk.profile)
    agent = Agent("walker", model="openai:scripted", instructions="Look.", tools=[look])
    replies = [call("look", {"at": "a"}), say("1"), call("look", {"at": "b"}), say("2")]
    try:
        async with (
            ScriptedModel(replies) as model,
            Environment.start(App(agents=[agent]), model, server=server) as holdfast,
        ):
            session = await holdfast.client.start("walker", "Look at a.")
            await session.wait()
            sys.setprofile(walk.profile)
            walk.recording = True
            reply = await session.send("Look at b.")
            walk.recording = False
            assert reply.text == "2"
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
    return walk


def listed(page: str) -> set[str]:
    """The files in the page's table."""
    section = page.partition(SECTION)[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(.*?)` \| (.*) \|$", section, re.MULTILINE)
    return {folder + name for folder, names in rows for name in re.findall(r"`(.*?)`", names)}


def main() -> None:
    """Print the table, or write it into the page."""
    table = asyncio.run(measure()).table()
    if sys.argv[1:] != ["--write"]:
        print(table)
        return
    page = PAGE.read_text("utf-8")
    head, _, rest = page.partition(SECTION)
    section, mark, after = rest.partition("\n## ")
    text = section[: section.index("\n| ")]
    PAGE.write_text(f"{head}{SECTION}{text}\n{table}\n{mark}{after}", "utf-8")


if __name__ == "__main__":
    main()
