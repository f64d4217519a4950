"""The commands ``codec-server`` and ``keys``."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from holdfast_workers.exits import one_line_errors, worker_installed


def codec_server(
    tokens: Annotated[
        str,
        typer.Option(
            metavar="REFERENCE",
            help="Who may decrypt: file:/path or env:NAME with a line NAME:TOKEN for each caller.",
        ),
    ],
    origin: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="The Temporal UI's origin, such as https://temporal.example."),
    ] = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A namespace to decrypt; by default that of HOLDFAST_NAMESPACE."),
    ] = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", help="The port; 0 for a free one.")] = 8081,
    tls_cert: Annotated[str, typer.Option(metavar="FILE", help="The server's certificate, in PEM.")] = "",
    tls_key: Annotated[str, typer.Option(metavar="FILE", help="The certificate's key, in PEM.")] = "",
) -> None:
    """Decrypt payloads for the Temporal UI.

    The keys are those of HOLDFAST_KEYS. Set the server's address in the UI as its codec endpoint.
    """
    with worker_installed():
        from holdfast_workers.monitoring import logs
        from holdfast_workers.settings import Settings

        from .serving import CodecOptions, serve

    options = CodecOptions(host, port, tokens, tuple(origin or ()), tuple(namespace or ()), tls_cert, tls_key)
    with one_line_errors():
        settings = Settings.load()
        logs.configure(settings)
        asyncio.run(serve(options, settings))
