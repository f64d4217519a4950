"""The commands ``codec-server`` and ``keys``."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from holdfast_workers.error_lines import one_line_errors, worker_installed
from holdfast_workflows.contracts.text.counting import count


def codec_server(
    tokens: Annotated[
        str,
        typer.Option(
            metavar="REFERENCE",
            help="Who may decrypt: file:/path or env:NAME with a line NAME:TOKEN for each caller. "
            "Without it, operators and auditors of the identity provider may.",
        ),
    ] = "",
    origin: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="The Temporal UI's origin, such as https://temporal.example."),
    ] = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A namespace to decrypt; by default that of HOLDFAST_NAMESPACE."),
    ] = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, metavar="PORT", help="The port; 0 for a free one.")
    ] = 8081,
    tls_cert: Annotated[str, typer.Option(metavar="FILE", help="The server's certificate, in PEM.")] = "",
    tls_key: Annotated[str, typer.Option(metavar="FILE", help="The certificate's key, in PEM.")] = "",
    token_in_path: Annotated[
        bool,
        typer.Option(
            "--token-in-path",
            help="Also take the token from the path, /TOKEN/decode, for a UI without a login.",
        ),
    ] = False,
) -> None:
    """Decrypt payloads for the Temporal UI.

    The keys are those of HOLDFAST_KEYS. Set the server's address in the UI as its codec endpoint.
    """
    with worker_installed():
        from holdfast_workers.monitoring import logs
        from holdfast_workers.settings import Settings

        from .serving import CodecOptions, serve

    options = CodecOptions(
        host, port, tokens, tuple(origin or ()), tuple(namespace or ()), tls_cert, tls_key, token_in_path
    )
    with one_line_errors():
        settings = Settings.load()
        logs.configure(settings)
        asyncio.run(serve(options, settings))


keys = typer.Typer(no_args_is_help=True, help="Change the encryption keys, and encrypt content again.")


@keys.command("list")
def list_keys() -> None:
    """List the keys, and how much each encrypted in the databases."""
    with worker_installed():
        from holdfast_workers.settings import Settings

        from .changing import Stores, Uses

    async def found() -> list[tuple[str, Uses]]:
        async with Stores(Settings.load()) as stores:
            return [(id, await stores.uses(id)) for id in stores.keyring.ids]

    with one_line_errors():
        rows = asyncio.run(found())
    for number, (id, uses) in enumerate(rows):
        role = "primary" if number == 0 else "decrypts"
        typer.echo(
            f"{id:<20} {role:<9} {count(uses.rows, 'row')}, {count(uses.memories, 'memory', 'memories')}"
        )


@keys.command("add")
def add_key(
    only_print: Annotated[
        bool, typer.Option("--print", help="Print a line with a new key, and change nothing.")
    ] = False,
) -> None:
    """Add a key that decrypts only; the first one is the primary.

    Give the file to every machine before `holdfast keys rotate` makes the key the primary.
    """
    with worker_installed():
        from holdfast_temporal.encryption.key_file import line, new_key
        from holdfast_workers.settings import Settings

        from .changing import add

    with one_line_errors():
        if only_print:
            typer.echo(line(new_key()))
            return
        key, first = add(Settings.load())
    typer.echo(f"{key.id} was added" + (" as the primary key" if first else "; it decrypts only"))


@keys.command("rotate")
def rotate_keys(
    key: Annotated[
        str, typer.Option(metavar="ID", help="The key to make the primary; a new one by default.")
    ] = "",
) -> None:
    """Make a key the primary, then encrypt all content by it."""
    with worker_installed():
        from holdfast_workers.settings import Settings

        from .changing import promote

    with one_line_errors():
        typer.echo(f"{promote(Settings.load(), key)} is the primary key")
    _encrypt_again()


@keys.command("reencrypt")
def reencrypt() -> None:
    """Encrypt all content by the primary key.

    Also what is not encrypted yet. It can be interrupted and started again, and workers may run.
    """
    _encrypt_again()


@keys.command("remove")
def remove_key(key: Annotated[str, typer.Argument(metavar="ID", help="The key.")]) -> None:
    """Remove a key that nothing needs any more.

    It is refused while a row, a memory, a workflow or a schedule has data of the key.
    """
    with worker_installed():
        from holdfast_workers.settings import Settings

        from .changing import remove

    with one_line_errors():
        asyncio.run(remove(Settings.load(), key, lambda _: None))
    typer.echo(f"{key} was removed")


def _encrypt_again() -> None:
    with worker_installed():
        from holdfast_workers.settings import Settings

        from .changing import encrypt_again

    with one_line_errors():
        unreadable = asyncio.run(encrypt_again(Settings.load(), typer.echo))
    if unreadable:
        typer.echo(
            f"{unreadable} rows were not changed: their key is missing, or they were changed", err=True
        )
        raise typer.Exit(1)
