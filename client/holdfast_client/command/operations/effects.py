"""``effects`` lists the effect ledger; ``resolve`` decides what waits for a person."""

from __future__ import annotations

import getpass
import shlex
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from ..common import execution, printing
from ..common.options import Json, SessionId

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_workflows.contracts.operations.effects import EffectView


def effects(
    context: typer.Context,
    session: Annotated[
        str, typer.Argument(metavar="[SESSION]", help="Only of this session.", show_default=False)
    ] = "",
    status: Annotated[
        str,
        typer.Option(
            help="Only claimed, settled, failed, unknown, given_up, undoing, undone or undo_failed."
        ),
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 500,
    json: Json = False,
) -> None:
    """List the effect ledger: what tool calls with effects have done.

    The outcome of unknown effects is not known. Those that hold up a turn are listed by show. All can
    be confirmed or given up with resolve, which records who did so and when.

    With --json: one line each, {"key", "session", "seq", "turn", "agent", "tenant", "tool",
    "effect", "status", "arguments", "result", "by", "claimed", "settled"}.
    """

    async def work(client: Client) -> None:
        from holdfast_client.operations.state import status_of

        found = await client.effects(session=session, status=status_of(status), limit=limit)
        for effect in found if json else ():
            printing.document(effect)
        if not json:
            console = printing.out()
            console.print(_table(found) if found else "There are no such effects.")
            # Not all of them wait: a turn that was cancelled has gone on without an answer.
            for unsure in sorted({each.session for each in found if each.status == "unknown"}):
                where = shlex.quote(unsure)
                console.print(f"what waits for you: holdfast show {where}", markup=False)
                console.print(
                    f"what does not wait: holdfast resolve {where} EFFECT confirm --text …|give-up",
                    markup=False,
                )

    execution.run(context, work, json=json)


def resolve(
    context: typer.Context,
    session: SessionId,
    id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="What waits, as show names it, or the key of an effect.", show_default=False
        ),
    ],
    action: Annotated[
        Literal["confirm", "retry", "give-up"],
        typer.Argument(
            metavar="confirm|retry|give-up",
            help="It happened; do it again; go on without it.",
            show_default=False,
        ),
    ],
    text: Annotated[str, typer.Option(help="With confirm: the result, or the answer to the user.")] = "",
    by: Annotated[str, typer.Option(help="Who decides; your login name by default.")] = "",
    json: Json = False,
) -> None:
    """Decide what waits for a person, or resolve an unknown effect.

    An unknown effect of an ended turn or session can be confirmed or given up.

    With --json: the session's view; null if the server no longer has the session.
    """

    async def work(client: Client) -> None:
        resolution = "give_up" if action == "give-up" else action
        view = await client.session(session).resolve(id, resolution, text=text, by=by or login())
        if json:
            printing.document(view)
        else:
            printing.out().print(f"{session}: {id}: {action}", markup=False)

    execution.run(context, work, json=json)


def to_type(session: str, id: str, about: str) -> list[str]:
    """Return the commands that resolve a pending decision."""
    where = shlex.quote(session)
    decision = f"holdfast resolve {where} {shlex.quote(id)}"
    if about == "budget":
        return [f"holdfast budget {where} --add-…", f"{decision} give-up"]
    text = "answer" if about == "ask_human" else "what came of it"
    return [f"{decision} confirm --text '{text}'", f"{decision} retry", f"{decision} give-up"]


def _table(found: tuple[EffectView, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("effect", "tool", "status", "by"):
        table.add_column(column, no_wrap=column == "effect", overflow="fold")
    table.add_column("arguments", overflow="fold", ratio=1)
    table.add_column("result", overflow="fold", ratio=1)
    for each in found:
        by = f"{each.by} {datetime.fromtimestamp(each.settled).astimezone():%Y-%m-%d %H:%M:%S}"
        cells = (each.key, each.tool, each.status, by if each.by else "", each.arguments, each.result)
        table.add_row(
            *(printing.plain_cell(cell) for cell in cells), style="red" if each.status == "unknown" else ""
        )
    return table


def login() -> str:
    """Return the login name; empty if the system has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""
