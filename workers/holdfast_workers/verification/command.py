"""The commands ``state verify`` and ``state repair``.

The command line loads this module for every command, so each command imports what it needs when it runs.
"""

from __future__ import annotations

import asyncio
import getpass
import json as json_text
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast_workers.error_lines import one_line_errors, worker_installed
from holdfast_workflows.contracts.exits import FAILED
from holdfast_workflows.contracts.text.counting import count

if TYPE_CHECKING:
    from temporalio.client import Client

    from holdfast_activities.state import State
    from holdfast_activities.state.verification.findings import Finding
    from holdfast_activities.state.verification.repairing import Repaired

    from .sessions import Verification

Sessions = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SESSION...]", help="Only these sessions; all by default.", show_default=False),
]
TaskQueue = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The queue of the sessions; by default all that use the database."),
]
Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The database.  [env var: HOLDFAST_STATE_URL]")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def verify(
    context: typer.Context,
    sessions: Sessions = None,
    task_queue: TaskQueue = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Check the state database, also against histories.

    Every row is checked, and compared with the histories of its sessions.

    Workers may run. Exits with 1 if something is wrong. With --json: {"sessions", "entries", "findings", "notes"}; a
    finding is {"session", "fault", "detail", "repairable"}.
    """
    with worker_installed():
        from .sessions import verify as compare

    async def run() -> Verification:
        async with _opened(context, url, task_queue) as (client, queues, state):
            return await compare(client, queues, state, sessions or ())

    with one_line_errors(json=json):
        found = asyncio.run(run())
    if json:
        typer.echo(json_text.dumps(asdict(found), ensure_ascii=False))
    else:
        _print(found)
    raise typer.Exit(FAILED if found.findings else 0)


def repair(
    context: typer.Context,
    sessions: Sessions = None,
    with_previews: Annotated[
        bool,
        typer.Option(
            "--with-previews",
            help="Also write texts of which the history has only the beginning, marked as such.",
        ),
    ] = False,
    task_queue: TaskQueue = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Write what the database lacks, from histories.

    Nothing that is there is changed. A session of which the history has only parts is left as it is. Exits with 1 if
    something is still wrong. With --json: one line each, {"session", "entries", "turns", "effects", "row", "left"}.
    """
    with worker_installed():
        from .sessions import repair as mend

    async def run() -> tuple[int, int]:
        left = seen = 0
        async with _opened(context, url, task_queue) as (client, queues, state):
            each = mend(client, queues, state, sessions or (), previews=with_previews, by=_login())
            async for session, done in each:
                seen, left = seen + 1, left + len(done.left)
                if json:
                    typer.echo(json_text.dumps({"session": session, **asdict(done)}, ensure_ascii=False))
                else:
                    _print_repair(session, done)
        return seen, left

    with one_line_errors(json=json):
        seen, left = asyncio.run(run())
    if not seen and not json:
        typer.echo("Nothing needs a repair.")
    raise typer.Exit(FAILED if left else 0)


@asynccontextmanager
async def _opened(
    context: typer.Context, url: str | None, task_queue: str | None
) -> AsyncGenerator[tuple[Client, list[str], State]]:
    """Temporal, the task queues whose sessions use the database, and the database."""
    from holdfast_activities.state import open_state
    from holdfast_temporal import connect, sdk_logs
    from holdfast_workers.command import apply_global_options
    from holdfast_workers.settings import Settings

    apply_global_options(context)
    sdk_logs.silence()
    settings = Settings.load(state_url=url, task_queue=task_queue)
    client = await connect(settings=settings.connection(), folder=settings.home)
    state = await open_state(
        settings.state(), migrate=False, cipher=settings.cipher(), keys=settings.existing_keys()
    )
    try:
        yield client, [settings.task_queue] if settings.task_queue else await _queues(client, state), state
    finally:
        await state.close()


async def _queues(client: Client, state: State) -> list[str]:
    from holdfast_temporal import binding
    from holdfast_workflows.contracts import names

    bound = await binding.bound(client)
    return [
        queue for queue, each in bound.items() if each.database == state.identity.id and not each.base
    ] or [names.TASK_QUEUE]


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return f"user {os.getuid()}"


def _print(found: Verification) -> None:
    for finding in found.findings:
        typer.echo(_line(finding))
    for note in found.notes:
        typer.echo(f"note: {note}")
    faults = count(len(found.findings), "fault") if found.findings else "no fault"
    typer.echo(
        f"{count(found.sessions, 'session')}, {count(found.entries, 'entry', 'entries')} in their histories: {faults}"
    )
    if any(finding.repairable for finding in found.findings):
        typer.echo("`holdfast state repair` can write what is marked with *.")


def _line(finding: Finding) -> str:
    mark = "* " if finding.repairable else "  "
    where = f"{finding.session}: " if finding.session else ""
    return f"{mark}{where}{finding.fault}: {finding.detail}"


def _print_repair(session: str, done: Repaired) -> None:
    wrote = [
        count(number, *nouns)
        for number, nouns in (
            (done.entries, ("entry", "entries")),
            (done.turns, ("turn",)),
            (done.effects, ("effect",)),
        )
        if number
    ]
    wrote += ["its row"] if done.row else []
    typer.echo(f"{session}: {', '.join(wrote) + ' written' if wrote else 'nothing written'}")
    for finding in done.left:
        typer.echo(f"  still {finding.fault}: {finding.detail}")
