"""Options and arguments that several commands take."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Annotated, Any

import typer


def argument(metavar: str, help: str) -> Any:  # noqa: A002 - typer's name
    """Declare a positional argument."""
    return typer.Argument(metavar=metavar, help=help, show_default=False)


@dataclass(frozen=True)
class Options:
    """Where to connect; an empty value is taken from the environment."""

    address: str = ""
    namespace: str = ""
    task_queue: str = ""


def words_before(context: typer.Context) -> str:
    """Return ``holdfast`` with the options that were given before the command, to print commands that work."""
    root = context.find_root()
    given = (
        f" --{name.replace('_', '-')} {shlex.quote(str(root.params[name]))}"
        for name in ("address", "namespace", "task_queue")
        if (source := root.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
    )
    return f"holdfast{''.join(given)}"


Address = Annotated[
    str,
    typer.Option(metavar="HOST:PORT", help="The Temporal server.", envvar="HOLDFAST_TEMPORAL_ADDRESS"),
]
Namespace = Annotated[str, typer.Option(help="The Temporal namespace.", envvar="HOLDFAST_NAMESPACE")]
TaskQueue = Annotated[str, typer.Option(help="The workers' task queue.", envvar="HOLDFAST_TASK_QUEUE")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"holdfast {version('holdfast')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Limit = Annotated[int, typer.Option(min=1, help="The maximum number of lines.")]
SessionId = Annotated[str, argument("SESSION", "The session's id.")]
AgentName = Annotated[str, argument("AGENT", "The agent's name.")]
User = Annotated[str, typer.Option(help="The id of the user; memories of the user belong to it.")]
Tenant = Annotated[str, typer.Option(help="The tenant.")]


def remember(
    context: typer.Context,
    address: Address = "",
    namespace: Namespace = "",
    task_queue: TaskQueue = "",
    print_version: Version = False,
) -> None:
    """Start agents, send them messages, follow them and control them.

    Exit codes: 0 success, 1 the run failed, 2 bad input, 3 a service cannot be reached,
    4 not found, 130 interrupted.
    """
    context.obj = Options(address, namespace, task_queue)


_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST = 100 * 365 * 86_400.0
"""Longer ones would leave the calendar when they are counted from today."""


def duration(text: str) -> timedelta:
    """Parse a duration: ``90s``, ``15m``, ``1h``, ``30d``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a duration; give a number with s, m, h or d, like 15m")
    if (seconds := float(found[1]) * _UNITS[found[2]]) > _LONGEST:
        raise typer.BadParameter(f"{text!r} is longer than 100 years")
    return timedelta(seconds=seconds)
