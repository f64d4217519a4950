"""What every command takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
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
User = Annotated[str, typer.Option(help="Whom it is with, by an id: where memories of the user belong.")]
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


_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def duration(text: str) -> timedelta:
    """A span of time as people type it: ``90s``, ``15m``, ``1h``, ``30d``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no duration; it is a number with s, m, h or d, like 15m")
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])
