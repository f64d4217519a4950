"""``memory`` erase and migrate."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ..common import printing
from ..common.execution import command, confirmed, connected
from ..common.options import Json, Tenant, argument
from ..inbox import answers
from .memory import memory

__all__ = ["memory"]

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


@memory.command()
@confirmed("Erase the {kind} {id!r} permanently?")
@command
async def erase(
    context: typer.Context,
    kind: Annotated[Literal["session", "user", "tenant"], argument("session|user|tenant", "What to erase.")],
    id: Annotated[str, argument("ID", "The session's or the user's id, or the tenant.")],
    tenant: Tenant = "",
    stop: Annotated[bool, typer.Option("--stop", help="Terminate sessions that are still running.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Erase all data of a session, a user or a tenant: memories, logs and histories.

    With --json: {"memories", "entries", "sessions", "histories"}.
    """
    client = await connected(context)
    all_of_tenant = kind == "tenant"
    done = await client.memory.erase(
        kind,
        "" if all_of_tenant else id,
        tenant=id if all_of_tenant else tenant,
        by=answers.login(),
        stop=stop,
    )
    counts = (
        printing.count(done.memories, "memory", "memories"),
        printing.count(done.entries, "log entry", "log entries"),
        printing.count(done.sessions, "session"),
        f"the histories of {printing.count(done.histories, 'run')}",
    )
    printing.result(done, f"erased: {', '.join(counts)}", json=json)


@memory.command()
@confirmed("Embed every memory again?")
@command
async def migrate(context: typer.Context, yes: Yes = False, json: Json = False) -> None:
    """Embed every memory again with the workers' current embedder.

    With --json: {"memories", "model", "dimension"}.
    """
    done = await (await connected(context)).memory.migrate()
    index = f"{done.model}, dimension {done.dimension}" if done.model else "words only"
    count = printing.count(done.memories, "memory", "memories")
    printing.result(done, f"{count} embedded again: {index}", json=json)
