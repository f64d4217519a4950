"""The command ``replay``: whether this build takes a session's recorded decisions, and where it does not.

The command line loads this module for every command, so the command imports what it needs when it runs.
"""

from __future__ import annotations

import asyncio
import json as json_module
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast_workers.command import apply_global_options
from holdfast_workers.error_lines import one_line_errors, worker_installed
from holdfast_workflows.contracts.exits import FAILED, OK

if TYPE_CHECKING:
    from temporalio.client import WorkflowHistory
    from temporalio.converter import DataConverter


def replay(
    context: typer.Context,
    session: Annotated[
        str,
        typer.Argument(
            metavar="SESSION|FILE",
            help="A session, a bundle of export, or a history as JSON.",
            show_default=False,
        ),
    ],
    app: Annotated[
        str,
        typer.Argument(metavar="[MODULE:APP]", help="The App, for its own workflows.", show_default=False),
    ] = "",
    use_pdb: Annotated[
        bool,
        typer.Option(
            "--pdb",
            help="Stop in the debugger where the decisions differ, or at the first ones if they do not.",
        ),
    ] = False,
    at: Annotated[
        str, typer.Option(help="With --pdb: stop at this event, or turn and step: 17, or 2.3.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one line for each run.")] = False,
) -> None:
    """Replay a session with this build's code.

    It reports the first decision that differs.

    Nothing is called: models, tools and databases are not touched. Exit code 1 if a decision differs.

    With --json: {"run", "events", "problem", "event"}; "event" is the last one before decisions that differ.
    """
    apply_global_options(context)
    if at and not use_pdb:
        raise typer.BadParameter("--at needs --pdb")
    with worker_installed():
        from holdfast_workers.debugging import replaying
        from holdfast_workers.startup.loading import load_app

    with one_line_errors(json=json):
        _silence()
        workflows = tuple(load_app(app).registry().workflows) if app else ()
        failed = False
        for run, history, converter in _read(session):
            found = asyncio.run(replaying.replayed(history, converter, workflows))
            failed = failed or bool(found.problem)
            typer.echo(json_module.dumps({"run": run, **vars(found)}) if json else _line(run, found))
            if use_pdb and _debug(history, converter, workflows, at, found):
                break
    raise typer.Exit(FAILED if failed else OK)


def _line(run: str, found: Any) -> str:
    if found.problem:
        return f"{run}: differs after event {found.event} of {found.events}: {found.problem}"
    return f"{run}: {found.events} events, the same decisions"


def _silence() -> None:
    """Keep the SDK's log lines about a failed replay out of the output, which has the reason."""
    from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig

    with suppress(RuntimeError):  # this process already has a runtime
        Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter="OFF"))))


def _debug(
    history: WorkflowHistory,
    converter: DataConverter,
    workflows: tuple[type, ...],
    at: str,
    found: Any,  # Replayed, which is imported late
) -> bool:
    """Replay again and stop in the debugger; True if the person has ended it, or it stopped where it was asked to."""
    from holdfast_workers.debugging import replaying
    from holdfast_workers.debugging.stopping import StoppingRunner

    stop = replaying.event_of(history, at, converter) if at else found.event or 1
    if not stop:
        return False  # another run has it
    runner = StoppingRunner(stop, [each.__module__ for each in workflows])
    made = replaying.replayer(converter, workflows, runner)
    asyncio.run(made.replay_workflow(history, raise_on_replay_failure=False))
    return True


def _read(session: str) -> list[tuple[str, WorkflowHistory, DataConverter]]:
    """The runs of a file, or of a session, with the converter that reads their payloads."""
    from holdfast_temporal import Connection, data_converter
    from holdfast_temporal.histories.files import is_bundle, read_histories

    path = Path(session)
    if not path.is_file():
        return [(run, history, data_converter) for run, history in asyncio.run(_fetch(session))]
    # A bundle is not encrypted; a history that was downloaded may be.
    converter = data_converter if is_bundle(path) else Connection.from_environment().converter()
    return [(each.run, each, converter) for each in read_histories(path)]


async def _fetch(session: str) -> list[tuple[str, WorkflowHistory]]:
    from temporalio.client import WorkflowHistory
    from temporalio.service import RPCError, RPCStatusCode

    from holdfast_temporal import connect
    from holdfast_temporal.histories.fetching import runs
    from holdfast_temporal.rpc import rpc_errors
    from holdfast_workflows.contracts.errors import SessionNotFound

    client = await connect()
    with rpc_errors():
        try:
            run = (await client.get_workflow_handle(session).describe()).run_id
            found = [each async for each in runs(client, session, run)]
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND and not error.message.startswith("Namespace "):
                raise SessionNotFound(session) from error
            raise
    return [(each.id, WorkflowHistory(session, each.events)) for each in found[::-1]]
