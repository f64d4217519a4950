"""``memory`` search, list, add, forget and stats."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ..common import execution, printing
from ..common.options import Json, Tenant, duration
from . import effects

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_workflows.contracts.agent.memory import MemoryKind, MemoryView

memory = typer.Typer(no_args_is_help=True, help="What agents remember: search, add, forget, erase, maintain.")

Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", metavar="SCOPE", help="Only of this, such as user:42; may be given again."),
]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", metavar="KIND", help="Only turn, episode or fact.")
]


@memory.command()
def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to look for.", show_default=False)],
    tenant: Tenant = "",
    scope: Scopes = None,
    kind: Kinds = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 10,
    floor: Annotated[float, typer.Option(min=0, max=1, help="The least relevance.")] = 0.3,
    json: Json = False,
) -> None:
    """Find what bears on a text, best first, and show why.

    With --json: one line each, {"id", "text", "kind", "scope", "speaker", "at", "session",
    "importance", "trust", "sources", "topic", "superseded_by", "expires", "score", "why"}.
    """

    async def work(client: Client) -> None:
        found = await client.memory.search(
            text, tenant=tenant, scopes=scope or (), kinds=_kinds(kind), limit=limit, floor=floor
        )
        _print(list(found), json=json, scored=True)

    execution.run(context, work, json=json)


@memory.command("list")
def list_(
    context: typer.Context,
    tenant: Tenant = "",
    scope: Scopes = None,
    kind: Kinds = None,
    superseded: Annotated[
        bool, typer.Option("--superseded", help="Also facts that others took the place of.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    json: Json = False,
) -> None:
    """List memories in order of their ids.

    With --json: one line each, as of search.
    """

    async def work(client: Client) -> None:
        found: list[MemoryView] = []
        async for each in client.memory.list(
            tenant=tenant, scopes=scope or (), kinds=_kinds(kind), superseded=superseded
        ):
            found.append(each)
            if len(found) == limit:
                break
        _print(found, json=json, scored=False)

    execution.run(context, work, json=json)


@memory.command()
def add(
    context: typer.Context,
    text: Annotated[
        str,
        typer.Argument(metavar="TEXT", help="A fact, in a sentence that stands alone.", show_default=False),
    ],
    scope: Annotated[str, typer.Option(help="Who recalls it: user:42, agent:support, session:… or tenant.")],
    tenant: Tenant = "",
    topic: Annotated[
        str, typer.Option(help="What it is about; it takes the place of the fact of that topic.")
    ] = "",
    importance: Annotated[float, typer.Option(min=0, max=1, help="How much it matters.")] = 0.7,
    expires: Annotated[
        str, typer.Option(metavar="DURATION", help="Forget it after so long: 30m, 12h, 90d.")
    ] = "",
    id: Annotated[str | None, typer.Option(help="Its id; the same twice is the same memory.")] = None,
    json: Json = False,
) -> None:
    """Give agents a fact to remember.

    With --json: {"id"}.
    """
    until = datetime.now(UTC) + duration(expires) if expires else None

    async def work(client: Client) -> None:
        made = await client.memory.add(
            text,
            scope=scope,
            tenant=tenant,
            topic=topic,
            importance=importance,
            expires=until,
            id=id,
            by=effects.login(),
        )
        say({"id": made}, made, json=json)

    execution.run(context, work, json=json)


@memory.command()
def forget(
    context: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="What list names.", show_default=False)],
    tenant: Tenant = "",
    json: Json = False,
) -> None:
    """Forget memories for good.

    With --json: {"forgotten"}.
    """

    async def work(client: Client) -> None:
        count = await client.memory.forget(*ids, tenant=tenant)
        say({"forgotten": count}, f"{memories(count)} forgotten", json=json)

    execution.run(context, work, json=json)


@memory.command()
def stats(context: typer.Context, json: Json = False) -> None:
    """Say how much is remembered, where, and what embeds it.

    With --json: {"store", "model", "dimension", "tenants", "turns", "episodes", "facts",
    "superseded", "waiting", "bytes"}.
    """

    async def work(client: Client) -> None:
        found = await client.memory.stats()
        by = f"vectors of {found.model}, {found.dimension} long" if found.model else "words only"
        each = (("turn", found.turns), ("episode", found.episodes), ("fact", found.facts))
        counts = ", ".join(printing.count(number, thing) for thing, number in each)
        lines = (
            f"{found.store} store, {by}, {found.bytes:,} bytes",
            f"{printing.count(found.tenants, 'tenant')}: {counts}, of which {found.superseded:,} superseded",
            f"{found.waiting:,} waiting for the store",
        )
        say(found, "\n".join(lines), json=json)

    execution.run(context, work, json=json)


def _kinds(given: list[str] | None) -> list[MemoryKind]:
    return cast("list[MemoryKind]", given or [])  # the query checks them


def memories(count: int) -> str:
    """So many memories."""
    return "1 memory" if count == 1 else f"{count:,} memories"


def say(value: object, message: str, *, json: bool) -> None:
    """Print a value as JSON, or a message."""
    if json:
        printing.document(value)
    else:
        printing.out().print(message, markup=False)


def _print(found: list[MemoryView], *, json: bool, scored: bool) -> None:
    """Not a table: ids are copied to ``forget``, so they stay in one piece, and texts may be long."""
    console = printing.out()
    for each in found:
        if json:
            printing.document(each)
            continue
        when = f"{datetime.fromtimestamp(each.at).astimezone():%Y-%m-%d %H:%M}" if each.at else ""
        facts = filter(None, (f"{each.score:.2f}" if scored else "", each.kind, each.scope, when))
        text = (f"{each.speaker}: {each.text}" if each.speaker else each.text).replace("\n", "\n  ")
        after = f"superseded by {each.superseded_by}" if each.superseded_by else ""
        origin = each.why if scored else " ".join(filter(None, (each.trust, each.session)))
        aside = " · ".join(filter(None, (origin, after)))
        console.print(f"[bold]{printing.plain_cell(each.id)}[/] {printing.plain_cell(' · '.join(facts))}")
        console.print(f"  {printing.plain_cell(text)}", style="dim" if each.superseded_by else "")
        console.print(f"  [dim]{printing.plain_cell(aside)}[/]")
    if not found and not json:
        console.print("There are no such memories.")
