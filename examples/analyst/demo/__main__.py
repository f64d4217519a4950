"""Run the demo."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from examples.analyst import app as analyst
from holdfast import Client, HoldfastError, Reply, Session, StepEnded, connect
from holdfast.testing import ScriptedModel, SpawnedModel
from holdfast_temporal import DevServer, run_link

from . import summary
from .processes import Workers
from .screen import Screen

_KILL_AFTER = 3  # settled steps; by then the analyst is in the middle of its queries
_QUEUE = f"analyst-demo-{os.getpid()}"  # unique, so that two demos at once do not serve each other


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make demo", description="Run an agent that loses its worker and finishes."
    )
    parser.add_argument("--data", type=Path, default=analyst.SAMPLE, help="a CSV file; the sample by default")
    parser.add_argument("--question", default="", help="what to find out")
    parser.add_argument("--report", type=Path, default=Path("report"), help="the folder for the report")
    parser.add_argument("--no-kill", action="store_true", help="do not kill the worker")
    parser.add_argument(
        "--stop", action="store_true", help="stop the Temporal server at the end without asking"
    )
    given = parser.parse_args()
    if not given.data.is_file():
        parser.error(f"{given.data} is not a file; give a CSV with --data")
    if not given.question:
        given.question = analyst.QUESTION if given.data == analyst.SAMPLE else "What stands out in this file?"
    return given


class Demo:
    """One run of the main job."""

    def __init__(self, given: argparse.Namespace, console: Console) -> None:
        self._given = given
        self._console = console
        self._stays = not given.stop and sys.stdin.isatty() and console.is_terminal
        self._settled = 0
        self._killed_at = 0.0
        self._kill: summary.Kill | None = None
        self._pids = (0, 0)
        self._model: SpawnedModel | None = None

    async def run(self) -> None:
        """Start everything, follow the session, print a summary, and stop everything."""
        given, console = self._given, self._console
        console.print(f"[bold]question[/bold]  {given.question}\n[bold]data[/bold]      {given.data}")
        with ExitStack() as stack:
            environment = {
                "ANALYST_DATA": str(given.data.resolve()),
                "ANALYST_REPORTS": str(given.report.resolve()),
                "HOLDFAST_TASK_QUEUE": _QUEUE,
            }
            if analyst.app.registry().agents["analyst"].models == (analyst.OFFLINE,):
                console.print(
                    "[yellow]model[/yellow]     none: no key is set, so a plain program answers in its place"
                )
                model = stack.enter_context(ScriptedModel.spawn("examples.analyst.offline:script"))
                self._model = model
                environment |= {
                    "ANALYST_MODEL": analyst.OFFLINE,
                    "OPENAI_BASE_URL": model.openai_url,
                    "OPENAI_API_KEY": "none",
                }
            async with DevServer() as server:
                console.print(f"[bold]Temporal[/bold]  {server.address}, UI at {server.ui}")
                environment["HOLDFAST_TEMPORAL_ADDRESS"] = server.address
                workers = Workers(environment, server.log.with_name("demo-worker.log"))
                stack.callback(workers.stop)
                client = await connect(server.address, task_queue=_QUEUE)
                await self._work(client, workers)
                self._stay()

    async def _work(self, client: Client, workers: Workers) -> None:
        with Screen(self._console) as screen:
            first = workers.start()
            screen.say(f"worker [bold]{first}[/bold] started")
            session = await client.start_task("analyst", self._given.question, streaming=True)
            async for event in session.stream():
                if isinstance(event, StepEnded):
                    self._settled += 1
                self._recovered(event, screen)
                screen.show(event)
                if self._settled == _KILL_AFTER and not self._killed_at and not self._given.no_kill:
                    self._kill_worker(workers, screen)
        await self._sum_up(client, session, await session.wait())

    def _kill_worker(self, workers: Workers, screen: Screen) -> None:
        old = workers.kill()
        self._killed_at = time.monotonic()
        screen.say(f"[red bold]worker {old} killed with SIGKILL[/red bold] in the middle of a step")
        new = workers.start()
        self._pids = (old, new)
        screen.say(f"worker [bold]{new}[/bold] started; it gets the work after the heartbeat timeout of 5 s")
        screen.expect(f"waiting until Temporal detects that worker {old} is lost")

    def _recovered(self, event: object, screen: Screen) -> None:
        if (
            self._killed_at
            and self._kill is None
            and isinstance(event, StepEnded)
            and event.step > _KILL_AFTER
        ):
            seconds = time.monotonic() - self._killed_at
            self._kill = summary.Kill(*self._pids, settled=_KILL_AFTER, seconds=seconds)
            screen.say(
                f"[green bold]worker {self._pids[1]} has taken over[/green bold] after {seconds:.1f} s"
            )

    async def _sum_up(self, client: Client, session: Session, reply: Reply) -> None:
        report = self._given.report.resolve() / "report.md"
        link = run_link(client.temporal, session.id)
        requests = len(self._model.requests) if self._model else None
        await summary.show(self._console, client, session, reply, self._kill, requests, report)
        if not self._stays:
            # The server ends with the demo, so commands that need it would fail.
            return
        self._console.print(f"  every step     {summary.holdfast()} show {session.id}", soft_wrap=True)
        if link:
            # Not in the table: a link that is cut or wrapped cannot be clicked.
            self._console.print(f"  Temporal UI    {link}", soft_wrap=True)

    def _stay(self) -> None:
        """Keep the UI up until the user presses Enter."""
        if self._stays:
            self._console.print("\n[dim]The Temporal server stays up until you press Enter.[/dim]")
            sys.stdin.readline()


def main() -> int:
    """Run the demo; return the exit code."""
    console = Console()
    os.environ.setdefault("HOLDFAST_HOME", ".holdfast")
    try:
        asyncio.run(Demo(_arguments(), console).run())
    except HoldfastError as error:
        console.print(f"[red]{error}[/red]")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
