"""``tree`` shows a team: a session, the sessions that it started, and what they cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, SessionId

if TYPE_CHECKING:
    from rich.console import Console

    from holdfast_client.operations.listing import SessionInfo
    from holdfast_client.operations.trees import SessionTree


@command
async def tree(
    context: typer.Context,
    session: SessionId,
    limit: Annotated[int, typer.Option(min=1, help="The maximum number of sessions.")] = 1_000,
    json: Json = False,
) -> None:
    """Show who started whom in a session's team, and the cost.

    With --json: one line for each session, as of sessions, with "depth" and "error"; a parent
    comes before its children.
    """
    found = await (await connected(context)).session(session).tree(limit=limit)
    if json:
        for depth, part in found.walk():
            printing.document({**printing.plain(part.session), "depth": depth, "error": part.error})
        return
    draw(printing.out(), found, session)


def draw(console: Console, found: SessionTree, session: str = "") -> None:
    """Print a tree, in which ``session`` is marked, and the cost of all its sessions."""
    console.print(_drawn(found, session))
    cut = " · more sessions are not shown" if found.cut else ""
    console.print(f"[dim]{printing.count(found.size, 'session')} · ${found.cost:.4f} in all{cut}[/]")


def _drawn(found: SessionTree, session: str) -> Tree:
    made = Tree(_label(found, session), guide_style="dim")

    def add(to: Tree, parts: tuple[SessionTree, ...]) -> None:
        for part in parts:
            add(to.add(_label(part, session)), part.children)

    add(made, found.children)
    return made


_STYLES = {"failed": "red", "needs_person": "bold magenta", "cancelled": "magenta", "running": "green"}


def _label(part: SessionTree, session: str) -> Text:
    info = part.session
    facts = (_took(info), printing.count(info.turns, "turn"), f"${info.cost:.4f}" if info.cost else "")
    line = Text.assemble(
        (info.agent or "team", "bold"),
        " ",
        (printing.shown(info.id), "reverse" if info.id == session else ""),
        " · ",
        (info.status.replace("_", " "), _STYLES.get(info.status, "")),
        (f" · {' · '.join(filter(None, facts))}", "dim"),
    )
    if said := part.error or info.message:
        line.append(f"\n{printing.shown(said)}", "red" if part.error else "dim")
    return line


def _took(info: SessionInfo) -> str:
    ended = info.ended or datetime.now(UTC)
    return f"{(ended - info.started).total_seconds():.1f} s"
