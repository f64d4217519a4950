"""``memory`` search, list, add, forget and stats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Limit, Tenant, argument, duration
from ..inbox import answers

if TYPE_CHECKING:
    from holdfast_workflows.contracts.agent.memory import MemoryKind, MemoryView

memory = typer.Typer(no_args_is_help=True, help="Search, add, forget and erase memories.")

Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", metavar="SCOPE", help="Only this scope, such as user:42; repeatable."),
]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", metavar="KIND", help="Only turn, episode or fact; repeatable.")
]


@memory.command()
@command
async def search(
    context: typer.Context,
    text: Annotated[str, argument("TEXT", "A question or a few words.")],
    tenant: Tenant = "",
    scope: Scopes = None,
    kind: Kinds = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="The maximum number of memories.")] = 10,
    floor: Annotated[float, typer.Option(min=0, max=1, help="The minimum relevance.")] = 0.3,
    json: Json = False,
) -> None:
    """List memories relevant to a text, best first, with the parts of their scores.

    With --json: one line each, {"id", "text", "kind", "scope", "speaker", "at", "session",
    "importance", "trust", "sources", "topic", "superseded_by", "expires", "score", "why"}.
    """
    client = await connected(context)
    found = await client.memory.search(
        text, tenant=tenant, scopes=scope or (), kinds=_kinds(kind), limit=limit, floor=floor
    )
    _print(found, json=json, scored=True)


@memory.command("list")
@command
async def list_(
    context: typer.Context,
    tenant: Tenant = "",
    scope: Scopes = None,
    kind: Kinds = None,
    superseded: Annotated[
        bool, typer.Option("--superseded", help="Include facts that were replaced.")
    ] = False,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List memories, ordered by id.

    With --json: one line each, as of search.
    """
    client = await connected(context)
    found: list[MemoryView] = []
    async for each in client.memory.list(
        tenant=tenant, scopes=scope or (), kinds=_kinds(kind), superseded=superseded
    ):
        found.append(each)
        if len(found) == limit:
            break
    _print(found, json=json, scored=False)


@memory.command()
@command
async def add(
    context: typer.Context,
    text: Annotated[str, argument("TEXT", "A fact, as a self-contained sentence.")],
    scope: Annotated[str, typer.Option(help="Who recalls it: user:42, agent:support, session:… or tenant.")],
    tenant: Tenant = "",
    topic: Annotated[
        str, typer.Option(help="Its topic; it replaces the fact with this topic in this scope.")
    ] = "",
    importance: Annotated[float, typer.Option(min=0, max=1, help="Its importance.")] = 0.7,
    expires: Annotated[
        str, typer.Option(metavar="DURATION", help="Forget it after this time: 30m, 12h, 90d.")
    ] = "",
    id: Annotated[str | None, typer.Option(help="Its id; the same id again is the same memory.")] = None,
    json: Json = False,
) -> None:
    """Add a fact to the agents' memories.

    With --json: {"id"}.
    """
    until = datetime.now(UTC) + duration(expires) if expires else None
    client = await connected(context)
    made = await client.memory.add(
        text,
        scope=scope,
        tenant=tenant,
        topic=topic,
        importance=importance,
        expires=until,
        id=id,
        by=answers.login(),
    )
    printing.result({"id": made}, made, json=json)


@memory.command()
@command
async def forget(
    context: typer.Context,
    ids: Annotated[list[str], argument("ID...", "Ids, as printed by list.")],
    tenant: Tenant = "",
    json: Json = False,
) -> None:
    """Delete memories permanently.

    With --json: {"forgotten"}.
    """
    count = await (await connected(context)).memory.forget(*ids, tenant=tenant)
    printing.result(
        {"forgotten": count}, f"{printing.count(count, 'memory', 'memories')} forgotten", json=json
    )


@memory.command()
@command
async def stats(context: typer.Context, json: Json = False) -> None:
    """Show the number of memories, the store and the embedder.

    With --json: {"store", "model", "dimension", "tenants", "turns", "episodes", "facts",
    "superseded", "waiting", "bytes"}.
    """
    found = await (await connected(context)).memory.stats()
    index = f"vectors of {found.model}, dimension {found.dimension}" if found.model else "words only"
    kinds = (("turn", found.turns), ("episode", found.episodes), ("fact", found.facts))
    counts = ", ".join(printing.count(number, kind) for kind, number in kinds)
    text = (
        f"{found.store} store, {index}, {found.bytes:,} bytes\n"
        f"{printing.count(found.tenants, 'tenant')}: {counts}, of which {found.superseded:,} superseded\n"
        f"{printing.count(found.waiting, 'change')} not yet in the store"
    )
    printing.result(found, text, json=json)


def _kinds(given: list[str] | None) -> list[MemoryKind]:
    return cast("list[MemoryKind]", given or [])  # validated with the query


def _print(found: Sequence[MemoryView], *, json: bool, scored: bool) -> None:
    """Print memories without a table: ids are copied to ``forget`` unwrapped, and texts may be long."""
    console = printing.out()
    for each in found:
        if json:
            printing.document(each)
            continue
        score = f"{each.score:.2f}" if scored else ""
        head = " · ".join(filter(None, (score, each.kind, each.scope, printing.when(each.at))))
        text = f"{each.speaker}: {each.text}" if each.speaker else each.text
        replaced = f"superseded by {each.superseded_by}" if each.superseded_by else ""
        origin = each.why if scored else " ".join(filter(None, (each.trust, each.session)))
        note = " · ".join(filter(None, (origin, replaced)))
        console.print(f"[bold]{printing.plain_cell(each.id)}[/] {printing.plain_cell(head)}")
        printing.indented(console, text, 2, "dim" if each.superseded_by else "")
        printing.indented(console, note, 2, "dim")
    if not found and not json:
        console.print("There are no such memories.")
