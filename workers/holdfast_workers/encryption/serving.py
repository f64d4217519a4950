"""Running the codec server until a signal arrives."""

from __future__ import annotations

import logging
import ssl
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

from holdfast_activities.identity import Verifier
from holdfast_temporal.codec_server.access import Access, Tokens
from holdfast_temporal.codec_server.server import CodecServer
from holdfast_workers.settings import Settings
from holdfast_workers.signals import until_signal
from holdfast_workflows.contracts.control.identity import Credential
from holdfast_workflows.contracts.errors import InvalidCredential, KeysInvalid, SettingsInvalid

_ROLES = frozenset({"operator", "auditor"})
"""Who may read everything."""

_LOCAL = ("127.0.0.1", "::1", "localhost")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CodecOptions:
    """Options of the command."""

    host: str
    port: int
    tokens: str
    origins: tuple[str, ...]
    namespaces: tuple[str, ...]
    tls_cert: str = ""
    tls_key: str = ""
    token_in_path: bool = False


async def serve(options: CodecOptions, settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        SettingsInvalid: A setting is missing or invalid.
        PortTaken: The port cannot be used.
    """
    connection = settings.connection()
    keyring = connection.keyring()
    if keyring is None:
        raise KeysInvalid("HOLDFAST_KEYS is not set")
    identity = settings.identity()
    verifier = Verifier(identity) if identity.api_keys or identity.jwks else None
    if not options.tokens and verifier is None:
        raise SettingsInvalid("--tokens is missing, and there is no identity provider; give one of them")
    access = Access(
        Tokens.read(options.tokens).by_name if options.tokens else {},
        frozenset(options.namespaces or (connection.namespace,)),
        {_origin(each) for each in options.origins},
        token_in_path=options.token_in_path,
        verify=partial(_named, verifier) if verifier else None,
    )
    async with verifier.running() if verifier else nullcontext():
        await _serve(options, CodecServer(keyring, access))


async def _serve(options: CodecOptions, server: CodecServer) -> None:
    access = server.access
    tls = _tls(options)
    port = await server.listen(options.host, options.port, tls)
    scheme = "https" if tls else "http"
    _log.info(
        "codec server at %s://%s:%d for the namespaces %s and pages of %s",
        scheme, options.host, port, ", ".join(sorted(access.namespaces)), ", ".join(sorted(access.origins)) or "no UI",
    )  # fmt: skip
    if tls is None and options.host not in _LOCAL:
        _log.warning(
            "tokens and clear text cross the network without TLS; use --tls-cert, or a proxy with TLS"
        )
    await until_signal()
    server.close()


def _named(verifier: Verifier, credential: str) -> str:
    """The name of an operator or auditor of the whole deployment; empty for everybody else."""
    try:
        principal = verifier.exchange(Credential(value=credential)).principal
    except InvalidCredential:
        return ""
    may = not principal.tenant and not _ROLES.isdisjoint(principal.roles)
    return principal.id if may else ""


def _origin(text: str) -> str:
    """The origin in a browser's form."""
    origin = text.rstrip("/")
    if not origin.startswith(("https://", "http://")) or "/" in origin.partition("://")[2]:
        raise SettingsInvalid(f"--origin is {text!r}; write it as https://host, without a path")
    return origin


def _tls(options: CodecOptions) -> ssl.SSLContext | None:
    if bool(options.tls_cert) != bool(options.tls_key):
        raise SettingsInvalid("--tls-cert and --tls-key belong together; set both or none")
    if not options.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(options.tls_cert, options.tls_key)
    except OSError as error:  # SSLError is one
        raise SettingsInvalid(
            f"--tls-cert, --tls-key: {error.strerror or 'not a certificate with its key'}"
        ) from None
    return context
