"""``case save`` writes a step of a session to a file, as a case for evaluations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, SessionId

case = typer.Typer(no_args_is_help=True, help="Cases for evaluations, made of sessions.")


@case.callback()
def cases() -> None:
    """Keep ``save`` a command of the group, also while it is the only one."""


@case.command()
@command
async def save(
    context: typer.Context,
    session: SessionId,
    at: Annotated[int, typer.Option(min=1, help="The step that the agent takes again.")] = 1,
    turn: Annotated[
        int | None, typer.Option(help="The turn; by default the last one with that step.")
    ] = None,
    name: Annotated[str, typer.Option(help="The case's name; by default after the session.")] = "",
    judge: Annotated[
        str | None, typer.Option(metavar="QUESTION", help="A question for a judge; '' for the default one.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("cases"),
    json: Json = False,
) -> None:
    """Save a step of a session as a case, redacted.

    A case has what the agent read, recorded results, and what is expected.

    With --json: the case, without a file.
    """
    from holdfast_client.files import written  # it imports Temporal

    found = await (await connected(context)).session(session).case(at, turn=turn, name=name, judge=judge)
    if json:
        printing.document(found)
        return
    path = folder / f"{found.name.replace('/', '-')}.json"
    with written(path) as file:
        file.write(found.model_dump_json(indent=1) + "\n")
    expected = ", ".join(each.kind for each in found.expectations) or "nothing yet: add expectations"
    printing.out().print(f"{path}: expects {expected}", markup=False)
