"""The commands of the containers exist, with their options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import typer

from holdfast_client.command.main import build

from .files import compose, containers, rendered


def of_compose() -> list[list[str]]:
    services = compose()["services"].values()
    return [each["command"] for each in services if "holdfast-app" in each.get("image", "")]


def of_kubernetes() -> list[list[str]]:
    return [each["args"] for each in containers([*rendered("base"), *rendered("overlays/production")])]


def parse(*lines: list[str]) -> list[str]:
    """Parse command lines as the program does, without running them; return what is wrong with which."""
    program: Any = typer.main.get_command(build([word for line in lines for word in line]))
    wrong = list[str]()
    for line in lines:
        try:
            _parse(program, line)
        except typer.TyperException as error:
            wrong.append(f"{' '.join(line)}: {error.format_message()}")
    return wrong


def _parse(command: Any, args: list[str]) -> None:
    rest, parent = list(args), None
    while rest and hasattr(command, "resolve_command"):
        parent = command.context_class(command, parent=parent)
        name, found, rest = command.resolve_command(parent, rest)
        assert found is not None, name
        command = found
    command.make_context(command.name, rest, parent=parent)


@pytest.mark.parametrize("source", [of_compose, of_kubernetes])
def test_every_command_and_option_of_a_container_exists(source: Callable[[], list[list[str]]]) -> None:
    commands = source()
    assert commands
    assert parse(*commands) == []


def test_an_option_that_does_not_exist_is_found() -> None:
    (wrong,) = parse(["worker", "examples.deploy.v1:app", "--quue=search"])
    assert "No such option" in wrong
