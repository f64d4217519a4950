"""What the workers room adds to the command line: ``worker``, ``dev`` and ``state``.

The command line loads this for every command, to know what there is; so each command
imports what it runs only when it runs.
"""

from __future__ import annotations

import asyncio
import gc
import os
from typing import Annotated

import typer

from .exits import INTERRUPTED, one_line_errors, worker_installed

AppName = Annotated[str, typer.Argument(metavar="MODULE:APP", help="The App to serve.", show_default=False)]
TaskQueue = Annotated[str | None, typer.Option(help="Where work comes from [env: HOLDFAST_TASK_QUEUE].")]

state = typer.Typer(no_args_is_help=True, help="The state database.")


def _before_the_command(context: typer.Context) -> None:
    """Let the options that stand before a command say where to connect, as they do for all others."""
    for option, variable in (
        ("address", "TEMPORAL_ADDRESS"),
        ("namespace", "NAMESPACE"),
        ("task_queue", "TASK_QUEUE"),
    ):
        if value := context.find_root().params.get(option):
            os.environ[f"HOLDFAST_{variable}"] = value


def worker(
    context: typer.Context,
    app: AppName,
    task_queue: TaskQueue = None,
    health_port: Annotated[
        int | None,
        typer.Option(help="The port of /health and /ready; 0 for a free one [env: HOLDFAST_HEALTH_PORT]."),
    ] = None,
    graceful_seconds: Annotated[
        float | None, typer.Option(help="How long calls may take to finish after SIGTERM.")
    ] = None,
) -> None:
    """Serve an App's agents on a Temporal server.

    The server is that of HOLDFAST_TEMPORAL_ADDRESS, or of --address before the command.
    """
    _before_the_command(context)
    gc.disable()  # until all is imported: collections take a fifth of that time
    with worker_installed():
        from . import process

    raise typer.Exit(
        process.main(app, task_queue=task_queue, health_port=health_port, graceful_seconds=graceful_seconds)
    )


def dev(
    app: AppName,
    port: Annotated[int | None, typer.Option(help="Temporal's port; a free one by default.")] = None,
    ui_port: Annotated[int | None, typer.Option(help="The UI's port; a free one by default.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Run without the UI.")] = False,
) -> None:
    """Run an embedded Temporal server, its UI, and workers."""
    from rich.console import Console

    with worker_installed():
        from . import dev as development
        from .settings import Settings

    options = development.DevOptions(app, port, ui_port, workers, not no_ui)
    with one_line_errors():
        try:
            code = asyncio.run(development.run(options, Settings.load(), Console(stderr=True)))
        except asyncio.CancelledError:  # Ctrl-C twice
            code = INTERRUPTED
    raise typer.Exit(code)


@state.command("upgrade")
def upgrade_state(
    url: Annotated[str | None, typer.Option(help="The database [env: HOLDFAST_STATE_URL].")] = None,
) -> None:
    """Make the tables, or bring them to this version; those of memories in PostgreSQL, too."""
    with worker_installed():
        from holdfast_activities.memory import upgrade_memories
        from holdfast_activities.state import upgrade

        from .settings import Settings

    with one_line_errors():
        settings = Settings.load(state_url=url)
        asyncio.run(upgrade(settings.state()))
        memories = asyncio.run(upgrade_memories(settings.memory(), settings.state()))
    typer.echo("The state database is up to date.")
    if memories:
        typer.echo("So are the tables of the memories.")


@state.command("bind")
def bind_queue(
    context: typer.Context,
    app: AppName,
    task_queue: TaskQueue = None,
    url: Annotated[str | None, typer.Option(help="The database [env: HOLDFAST_STATE_URL].")] = None,
) -> None:
    """Bind an App's task queue to the state database, whatever it was bound to.

    For a database that was moved on purpose, and an App that has a new name. Workers that
    do not match end within some seconds.
    """
    _before_the_command(context)
    with worker_installed():
        from holdfast_workers.startup import binding
        from holdfast_workers.startup.loading import load_app

        from .settings import Settings

    with one_line_errors():
        registry = load_app(app).registry()
        settings = Settings.load(state_url=url, task_queue=task_queue).for_app(registry.name)
        before, now = asyncio.run(binding.move(settings, registry, app))
    if before is not None:
        typer.echo(f"{settings.task_queue} was bound to {before.told}")
    typer.echo(f"{settings.task_queue} is bound to {now.told}")
