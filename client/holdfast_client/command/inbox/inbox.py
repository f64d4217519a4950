"""``inbox``: what waits for people in all sessions; ``hand-over`` and ``give-back``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Limit, SessionId
from .answers import By, commands_to_answer, login

if TYPE_CHECKING:
    from holdfast_workflows.contracts.control.inbox import InboxItem

Kind = Literal["approval", "effect", "ask_human", "budget", "handover", "consent", "elicitation", "ticket"]


@command
async def inbox(
    context: typer.Context,
    kind: Annotated[Kind | None, typer.Option(help="Only items of this kind.")] = None,
    agent: Annotated[str | None, typer.Option(help="Only sessions of this agent.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only sessions of this tenant.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only items that this person or role may answer.")] = None,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """List what waits for people, the next deadline first.

    With --json: one line each, the item: {"id", "kind", "what", "since", "session", "tenant", "agent",
    "owners", "actions", "deadline", …}.
    """
    client = await connected(context)
    found = await client.inbox(kind=kind, agent=agent, tenant=tenant, owner=owner, limit=limit)
    printing.listing(found, table, "Nothing waits for a person.", json=json)


@command
async def hand_over(
    context: typer.Context,
    session: SessionId,
    reason: Annotated[str, typer.Option(help="What the person has to do or decide.")] = "",
    to: Annotated[list[str] | None, typer.Option(help="Who replies: ids of people, or role:NAME.")] = None,
    by: By = "",
    json: Json = False,
) -> None:
    """Let a person reply instead of the agent.

    With --json: the session's view.
    """
    view = await (await connected(context)).session(session).hand_over(reason, to=to or (), by=by or login())
    printing.result(view, f"{session}: handed over; replies wait in holdfast inbox", json=json)


@command
async def give_back(
    context: typer.Context,
    session: SessionId,
    note: Annotated[str, typer.Option(help="What the agent should know.")] = "",
    by: By = "",
    json: Json = False,
) -> None:
    """Let the agent reply again after a hand-over.

    With --json: the session's view.
    """
    view = await (await connected(context)).session(session).give_back(note, by=by or login())
    printing.result(view, f"{session}: given back to {view.agent}", json=json)


def table(found: Sequence[InboxItem]) -> Text:
    """Render items of the inbox."""
    return printing.blocks(
        (
            item.kind,
            f"{item.session} · {item.id}{_until(item)}",
            "\n".join(
                (item.what, *item.summary.splitlines(), *commands_to_answer(item.session, item.id, item.kind))
            ),
        )
        for item in found
    )


def _until(item: InboxItem) -> str:
    owners = f" · {', '.join(item.owners)}" if item.owners else ""
    return f"{owners} · until {printing.when(item.deadline)}" if item.deadline else owners
