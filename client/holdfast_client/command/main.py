"""The ``holdfast`` script: its own commands, and those of other packages.

A package adds a command by an entry point of the group ``holdfast.commands``: its name is the
command's name, after a group's name and a dot if it belongs to one, its object a function or a ``typer.Typer``. The object is loaded when the command is
used. For the list of commands, its first line of help is read without importing it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import typer

from holdfast_workflows.contracts import exits

from .chat import chat
from .common import interruption, options, output, printing
from .debugging import bundles, debug, patterns, trace
from .evaluation import case, fork
from .inbox import answers, inbox
from .memory import memory_admin
from .operations import (
    audit,
    breakers,
    budgets,
    costs,
    effects,
    maintain,
    monitor,
    permissions,
    retention,
    schedule,
)
from .serving import a2a, mcp
from .sessions import control, lists, prompts, show, state, tasks, whoami
from .teams import board, fleet, tree
from .tickets import ticket

GROUP: Final = "holdfast.commands"

_OWN: Final[tuple[Callable[..., None], ...]] = (
    tasks.run,
    chat.chat,
    tasks.send,
    lists.sessions,
    show.show,
    show.watch,
    prompts.prompt,
    trace.trace,
    debug.debug,
    fork.fork,
    bundles.export,
    bundles.import_,
    patterns.patterns,
    control.pause,
    control.resume,
    control.steer,
    control.cancel,
    control.close,
    control.repin,
    inbox.inbox,
    inbox.hand_over,
    inbox.give_back,
    effects.effects,
    answers.answer,
    answers.approve,
    answers.reject,
    answers.delegate,
    budgets.budget,
    budgets.budgets,
    costs.cost,
    breakers.breakers,
    board.board,
    tree.tree,
    lists.agents,
    whoami.whoami,
)

_GROUPS: Final = {
    "audit": audit.audit,
    "breaker": breakers.breaker,
    "case": case.case,
    "fleet": fleet.fleet,
    "hold": retention.hold,
    "maintain": maintain.maintain,
    "memory": memory_admin.memory,
    "monitor": monitor.monitor,
    "permissions": permissions.permissions,
    "mcp": mcp.mcp,
    "a2a": a2a.a2a,
    "ticket": ticket.ticket,
    "schedule": schedule.schedule,
    "retention": retention.retention,
    "state": state.state,
}


def main() -> None:
    """Run the command line with the process's arguments."""
    output.prepare()
    interruption.prepare()
    try:
        code = invoke(sys.argv[1:])
        output.finish()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else exits.FAILED
    except output.OutputLost as lost:
        code = _lost(lost)
    code = interruption.exit_code(code)
    if "temporalio" not in sys.modules:
        sys.exit(code)
    from holdfast_temporal.leaving import leave  # slow to import

    leave(code)


def invoke(arguments: Sequence[str]) -> int:
    """Run the command line; return the exit code."""
    words = list(arguments) or ["--help"]
    try:
        code = build(words)(words, prog_name="holdfast", standalone_mode=False)
    except typer.TyperException as error:
        message = error.format_message().replace("Value error, ", "")  # of Typer's validation
        if "\n" not in message:
            sentence = message if message.endswith((".", "?")) else f"{message}."
            context = getattr(error, "ctx", None)  # only errors of usage have it
            printing.failure(f"{sentence} See `{context.command_path if context else 'holdfast'} --help`.")
        else:
            sys.stderr.write(f"{message}\n")
        return exits.BAD_INPUT
    except (typer.Abort, KeyboardInterrupt):
        code = exits.INTERRUPTED
    except output.OutputLost as lost:
        return _lost(lost)
    except OSError as error:
        sys.stderr.write(f"holdfast: {error}\n")
        return exits.FAILED
    if code == exits.INTERRUPTED:
        sys.stderr.write("holdfast: interrupted\n")
    return code if isinstance(code, int) else 0


def _lost(lost: output.OutputLost) -> int:
    sys.stderr.write(f"holdfast: the output could not be written: {lost}\n")
    output.give_up()
    return exits.FAILED


def build(words: Sequence[str]) -> typer.Typer:
    """Build the command line; load only those added commands that the words name."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
    app.callback()(options.remember)
    # Other commands come after `dev`, with which a new user begins.
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name != "dev", entry.name)):
        within, _, name = entry.name.rpartition(".")
        _add(_GROUPS[within] if within else app, name, entry, words)
    for command in _OWN:
        app.command(command.__name__.rstrip("_").replace("_", "-"))(
            command
        )  # a function cannot be named `import`
    for name, group in _GROUPS.items():
        app.add_typer(group, name=name)
    return app


def _add(app: typer.Typer, name: str, entry: EntryPoint, words: Sequence[str]) -> None:
    if name not in words:
        app.command(name, help=_summary(entry))(lambda: None)
    elif isinstance(added := entry.load(), typer.Typer):
        app.add_typer(added, name=name)
    else:
        app.command(name)(added)


def _summary(entry: EntryPoint) -> str:
    """Read the first line of a command's docstring, or of its help, from its source."""
    found = find_spec(entry.module)
    if found is None or not found.origin:
        return ""
    for node in ast.parse(Path(found.origin).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == entry.attr:
            return (ast.get_docstring(node) or "").partition("\n")[0]
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == entry.attr:
            keywords: list[Any] = node.value.keywords if isinstance(node.value, ast.Call) else []
            return next((str(ast.literal_eval(each.value)) for each in keywords if each.arg == "help"), "")
    return ""
