"""Checks of options by which tools reach other machines: URLs, headers with secrets, private networks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit

from holdfast_workflows.contracts.control.secrets import references_in
from holdfast_workflows.contracts.errors import InvalidDeclaration

LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_SECRET_HEADERS: Final = re.compile(r"(?i)authorization|cookie|.*(?:key|token|secret|password).*")


def check_url(url: str, where: str, *, secret: bool) -> None:
    """Check a URL; with ``secret``, credentials are sent to it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidDeclaration(f"{where}: url={url!r} must begin with https:// or http://")
    if parts.username or parts.password:
        raise InvalidDeclaration(
            f"{where}: its url contains credentials; give them by headers=… as references"
        )
    if secret and parts.scheme == "http" and parts.hostname not in LOCAL:
        raise InvalidDeclaration(f"{where}: its credentials would be sent unencrypted; use https://")


def check_secrets(headers: Mapping[str, str], where: str) -> None:
    """Refuse headers whose names are of secrets and whose values are not references."""
    for header, value in headers.items():
        if _SECRET_HEADERS.fullmatch(header) and not references_in(value):
            raise InvalidDeclaration(
                f"{where}: the header {header!r} is not a reference; write env:NAME, file:/path or "
                '"Bearer ${env:NAME}", so that the secret is only in the worker'
            )


def networks(given: str | Sequence[str], where: str) -> tuple[str, ...]:
    """Check private networks."""
    found: list[str] = []
    for text in [given] if isinstance(given, str) else given:
        try:
            network = ip_network(text)
        except ValueError as error:
            raise InvalidDeclaration(
                f"{where} has private network {text!r}: {error}; write 10.20.0.0/16"
            ) from None
        if not network.is_private:
            raise InvalidDeclaration(
                f"{where} has private network {text!r}, which contains public addresses; "
                "name the network of the service, or use allow=[…] for a public host"
            )
        found.append(str(network))
    if not found:
        raise InvalidDeclaration(
            f"{where} has private={{…}} without a network; name the network of the service"
        )
    return tuple(found)
