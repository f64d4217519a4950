"""Run commands with a client, and turn errors into exit codes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec

import typer

from holdfast_workflows.contracts import exits
from holdfast_workflows.contracts.variables import unknown_variables

from . import output, printing
from .options import Options

if TYPE_CHECKING:
    from holdfast_client.client import Client

P = ParamSpec("P")


def command(function: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Make a command of an async function.

    An error sets the exit code and is one line on standard error; with ``--json`` it is also a
    document on standard output.
    """

    @wraps(function)
    def run(*args: P.args, **options: P.kwargs) -> None:
        from holdfast_workflows.contracts.errors import HoldfastError  # it imports Temporal

        for line in unknown_variables(os.environ):
            sys.stderr.write(f"holdfast: warning: {line}\n")
        try:
            asyncio.run(function(*args, **options))
        except HoldfastError as error:
            if options.get("json"):
                with suppress(output.OutputLost):  # standard error has it too
                    printing.document({"error": error})
            fail(printing.sentence(error), exits.code_of(error))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    return run


def confirmed(question: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Ask before a command that has ``--yes``; without a terminal, ``--yes`` is required.

    Outside the event loop, whose signal handler would ignore the first Ctrl-C at the prompt.
    """

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        @wraps(function)
        def ask(*args: P.args, **options: P.kwargs) -> None:
            if not options["yes"]:
                if not sys.stdin.isatty():
                    raise typer.BadParameter("this cannot be undone; confirm it with --yes")
                typer.confirm(question.format_map(options), abort=True)
            function(*args, **options)

        return ask

    return decorate


def fail(message: str, code: int) -> NoReturn:
    """Print one line on standard error and exit with a code."""
    printing.failure(message)
    raise typer.Exit(code)


async def connected(context: typer.Context) -> Client:
    """Connect with the options of the command line."""
    from holdfast_client.client import connect
    from holdfast_temporal import sdk_logs

    sdk_logs.silence()
    options = context.find_object(Options) or Options()
    client = await connect(
        options.address or None,
        namespace=options.namespace or None,
        task_queue=options.task_queue or None,
    )
    return client.without_waiting()
