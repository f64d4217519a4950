"""The ``holdfast`` script: its own commands, and those of other packages.

A package adds a command by an entry point of the group ``holdfast.commands``: its name is
the command's, its object a function or a ``typer.Typer``. It is loaded when the command
is named; for the list of commands its first line is read without importing it.
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

from .common import exits, options, output
from .operations import breakers, budgets, effects, memory_admin
from .sessions import chat, control, lists, prompts, show, tasks

GROUP: Final = "holdfast.commands"

_OWN: Final[tuple[Callable[..., None], ...]] = (
    tasks.run,
    chat.chat,
    tasks.send,
    lists.sessions,
    show.show,
    show.watch,
    prompts.prompt,
    control.pause,
    control.resume,
    control.steer,
    control.cancel,
    control.close,
    control.repin,
    effects.effects,
    effects.resolve,
    budgets.budget,
    budgets.budgets,
    breakers.breakers,
    lists.agents,
)

_GROUPS: Final = {"breaker": breakers.breaker, "memory": memory_admin.memory}


def main() -> None:
    """Run the command line with the process's arguments."""
    output.prepare()
    try:
        code = invoke(sys.argv[1:])
        output.finish()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else exits.FAILED
    except output.OutputLost as lost:
        code = _lost(lost)
    if "temporalio" not in sys.modules:
        sys.exit(code)
    from holdfast_temporal.leaving import leave  # slow to import

    leave(code)


def invoke(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    words = list(arguments) or ["--help"]
    try:
        code = build(words)(words, prog_name="holdfast", standalone_mode=False)
    except typer.TyperException as error:
        message = error.format_message()
        sentence = message if message.endswith((".", "?")) else f"{message}."
        one_line = (
            message if "\n" in message else f"holdfast: {sentence} See holdfast {_command(words)}--help."
        )
        sys.stderr.write(f"{one_line}\n")
        return exits.BAD_INPUT
    except (typer.Abort, KeyboardInterrupt):
        sys.stderr.write("holdfast: interrupted\n")
        return exits.INTERRUPTED
    except output.OutputLost as lost:
        return _lost(lost)
    except OSError as error:
        sys.stderr.write(f"holdfast: {error}\n")
        return exits.FAILED
    return code if isinstance(code, int) else 0


def _lost(lost: output.OutputLost) -> int:
    sys.stderr.write(f"holdfast: the output could not be written: {lost}\n")
    output.give_up()
    return exits.FAILED


def build(words: Sequence[str]) -> typer.Typer:
    """Build the command line; load only those added commands that the words name."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
    app.callback()(options.remember)
    for command in _OWN:
        app.command()(command)
    for name, group in _GROUPS.items():
        app.add_typer(group, name=name)
    for entry in entry_points(group=GROUP):
        _add(app, entry.name, entry.load() if entry.name in words else _Unloaded(entry))
    return app


def _add(app: typer.Typer, name: str, command: Any) -> None:
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    elif isinstance(command, _Unloaded):
        app.command(name, help=command.summary())(lambda: None)
    else:
        app.command(name)(command)


def _command(words: Sequence[str]) -> str:
    """The command that was typed; of a group, with the next word if that names one of its own."""
    known = {*_GROUPS, *(command.__name__ for command in _OWN)}
    at = next((at for at, word in enumerate(words) if word in known), None)
    if at is None:
        return ""
    of_group = _GROUPS[words[at]].registered_commands if words[at] in _GROUPS else []
    names = {each.name or getattr(each.callback, "__name__", "") for each in of_group}
    return "".join(
        f"{word} " for word in (words[at], *(each for each in words[at + 1 : at + 2] if each in names))
    )


class _Unloaded:
    """A command that is only listed."""

    def __init__(self, entry: EntryPoint) -> None:
        self._entry = entry

    def summary(self) -> str:
        """The first line of its docstring, or of its help."""
        found = find_spec(self._entry.module)
        if found is None or not found.origin:
            return ""
        for node in ast.parse(Path(found.origin).read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name == self._entry.attr:
                return (ast.get_docstring(node) or "").partition("\n")[0]
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == self._entry.attr:
                return _help_of(node.value)
        return ""


def _help_of(value: ast.expr) -> str:
    keywords = value.keywords if isinstance(value, ast.Call) else []
    texts = [each.value for each in keywords if each.arg == "help"]
    return next((str(text.value) for text in texts if isinstance(text, ast.Constant)), "")
