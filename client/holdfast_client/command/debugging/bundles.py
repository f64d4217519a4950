"""``export`` and ``import``: a session in one file, which others read without the deployment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, SessionId, argument

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_client.debugging.imported import ImportedSession
    from holdfast_client.session import Session


async def readable(context: typer.Context, session: str) -> tuple[Session | ImportedSession, Client | None]:
    """Return a session to read, with the client; without one for an imported session or a bundle's path."""
    from holdfast_client.debugging.imports import find

    if (found := find(session)) is not None:
        return found, None
    client = await connected(context)
    return client.session(session), client


@command
async def export(
    context: typer.Context,
    session: SessionId,
    file: Annotated[Path, argument("FILE", "The file to write, such as support-7kq.zip.")],
    json: Json = False,
) -> None:
    """Write a session to a file, without secrets.

    The file has its history, log, prompts, effects and configuration.

    The file has what users and tools said, decrypted. show, prompt, effects, trace and replay read it.

    With --json: {"session", "file", "missing"}; "missing" is what could not be read, and why.
    """
    client = await connected(context)
    missing = await client.session(session).export(file)
    if json:
        printing.document({"session": session, "file": str(file), "missing": missing})
        return
    printing.out().print(f"{file}: {printing.plain_cell(session)}, {file.stat().st_size:,} bytes")
    for each in missing:
        printing.note(f"missing: {each}")


@command
async def import_(
    context: typer.Context,
    file: Annotated[
        Path | None, argument("[FILE]", "A file that export wrote; without it, list what is imported.")
    ] = None,
    name: Annotated[str, typer.Option(help="The name to import it by; the session's id by default.")] = "",
    json: Json = False,
) -> None:
    """Import a bundle of `export`, read-only.

    show, prompt, effects and trace read it by the id that is printed.

    It needs no server. The copy is in the folder imports of HOLDFAST_HOME; delete it there.

    With --json: one line for each, {"id", "session", "exported"}.
    """
    from holdfast_client.debugging import imports
    from holdfast_client.debugging.imported import open_bundle

    if file is None:
        found = imports.listed()
        documents = [{"id": id, "session": each.id, "exported": each.exported} for id, each in found]
        if json:
            printing.listing(documents, lambda _: Table(), "", json=True)
        else:
            printing.listing(found, _table, f"Nothing is imported in {imports.folder()}.", json=False)
        return
    id = imports.add(file, name)
    if json:
        session = open_bundle(file)
        printing.document({"id": id, "session": session.id, "exported": session.exported})
    else:
        printing.out().print(f"imported: holdfast show {id}", markup=False)


def _table(found: Sequence[tuple[str, ImportedSession]]) -> Table:
    table = printing.table("id", "session", "exported")
    for id, each in found:
        printing.add_row(table, id, each.id, printing.when(each.exported))
    return table
