"""Apps with a lifespan that notes what happens in a file, as a real worker process serves them."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast import Agent, App, ToolContext, tool


@dataclass
class Notes:
    """The file, and whether the lifespan is entered."""

    file: Path
    open: bool = True

    def add(self, line: str) -> None:
        with self.file.open("a") as file:
            file.write(f"{line}\n")


@tool
async def work(ctx: ToolContext[Notes]) -> str:
    """Work until the file ``go`` exists."""
    ctx.deps.add("work begun")
    while not (ctx.deps.file.parent / "go").exists():  # noqa: ASYNC110 # another process makes the file
        await asyncio.sleep(0.02)
    ctx.deps.add(f"work ended, open: {ctx.deps.open}")
    return "done"


@asynccontextmanager
async def noting(app: App) -> AsyncGenerator[Notes]:
    notes = Notes(Path(os.environ["NOTES"]))
    notes.add(f"entered with {', '.join(app.agents)}")
    yield notes
    notes.open = False
    notes.add("left")


@asynccontextmanager
async def failing(_: App) -> AsyncGenerator[None]:
    if "DATABASE" not in os.environ:
        raise ConnectionRefusedError("no database at db:5432")
    yield


@asynccontextmanager
async def failing_at_the_end(_: App) -> AsyncGenerator[None]:
    yield
    raise RuntimeError("the pool is gone")


agents = [Agent("worker", model="openai:scripted", tools=[work])]
app = App(agents=agents, lifespan=noting)
broken = App(agents=agents, lifespan=failing)
broken_end = App(agents=agents, lifespan=failing_at_the_end)
