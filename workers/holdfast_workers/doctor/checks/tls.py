"""TLS: what leaves this machine is encrypted on its way."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, urlsplit

from holdfast_temporal.connection import is_local

from ..examined import Examined
from ..findings import Finding, failed, warning, worst

_LOCAL: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})


async def check(examined: Examined) -> Finding:
    """Look at the addresses of Temporal, the databases and the providers."""
    settings, found = examined.settings, list[Finding]()
    connection = settings.connection()
    if connection.address and not is_local(connection.address) and not (connection.tls or connection.api_key):
        found.append(
            failed(f"Temporal at {connection.address} is reached without TLS", "set HOLDFAST_TLS=true")
        )
    for variable, url in (
        ("HOLDFAST_STATE_URL", settings.state()),
        ("HOLDFAST_MEMORY_URL", settings.memory()),
    ):
        found += _of_database(variable, url)
    for name, provider in settings.model_providers().items():
        parts = urlsplit(provider.base_url)
        if parts.scheme == "http" and (parts.hostname or "") not in _LOCAL:
            found.append(
                warning(
                    f"provider {name} at {parts.hostname} is reached without TLS", "use its https address"
                )
            )
    return worst(found, "every connection to another machine uses TLS")


def _of_database(variable: str, url: str) -> list[Finding]:
    parts = urlsplit(url)
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if (parts.hostname or "") in _LOCAL:
        return []
    if parts.scheme.startswith("postgresql") and options.get("sslmode") not in {
        "require",
        "verify-ca",
        "verify-full",
    }:
        return [
            warning(
                f"{variable}: PostgreSQL at {parts.hostname} may be reached without TLS",
                "add ?sslmode=verify-full",
            )
        ]
    if parts.scheme == "weaviate" and options.get("secure") != "true":
        return [
            warning(f"{variable}: Weaviate at {parts.hostname} is reached without TLS", "add ?secure=true")
        ]
    return []
