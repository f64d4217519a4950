"""What every command takes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated

import typer


@dataclass(frozen=True)
class Options:
    """Where to connect; empty is what the environment says."""

    address: str = ""
    namespace: str = ""
    task_queue: str = ""


Address = Annotated[
    str,
    typer.Option(metavar="HOST:PORT", help="The Temporal server.", envvar="HOLDFAST_TEMPORAL_ADDRESS"),
]
Namespace = Annotated[str, typer.Option(help="The Temporal namespace.", envvar="HOLDFAST_NAMESPACE")]
TaskQueue = Annotated[str, typer.Option(help="Where the workers listen.", envvar="HOLDFAST_TASK_QUEUE")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"holdfast {version('holdfast')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
SessionId = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.", show_default=False)]
AgentName = Annotated[str, typer.Argument(metavar="AGENT", help="The agent's name.", show_default=False)]
Tenant = Annotated[str, typer.Option(help="Whom it runs for.")]


def remember(
    context: typer.Context,
    address: Address = "",
    namespace: Namespace = "",
    task_queue: TaskQueue = "",
    print_version: Version = False,
) -> None:
    """Start agents, talk to them, watch them and steer them.

    Exit codes: 0 it worked, 1 the run failed, 2 bad input, 3 a service cannot be reached,
    4 not found, 130 interrupted.
    """
    context.obj = Options(address, namespace, task_queue)
