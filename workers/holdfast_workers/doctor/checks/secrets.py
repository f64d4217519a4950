"""Secrets: they are references, and each has a value on this machine."""

from __future__ import annotations

import re
from typing import Final

from holdfast_activities.secrets.references import missing
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.control.secrets import references_in

from ..examined import Examined
from ..findings import Finding, failed, warning, worst

_PASSWORD: Final = re.compile(r"://[^/@:]*:([^/@]+)@")
_BY_REFERENCE: Final = "write ${file:/path} or ${env:NAME} in its place"


async def check(examined: Examined) -> Finding:
    """Look for secrets in the settings' text, and for references without a value."""
    settings, named = examined.settings, _named(examined.registry)
    found = [failed(str(error), "set it where the workers run") for error in missing(named)]
    urls = {"HOLDFAST_STATE_URL": settings.state_url, "HOLDFAST_MEMORY_URL": settings.memory_url}
    for variable, url in urls.items():
        password = _PASSWORD.search(url.get_secret_value())
        if password and not references_in(password[1]):
            found.append(warning(f"{variable} has a password in its text", _BY_REFERENCE))
    for name, provider in settings.providers.items():
        if provider.get("key"):
            found.append(
                warning(f"provider {name} of HOLDFAST_PROVIDERS has its key in the text", "use key_from")
            )
    return worst(found, f"no password is in the settings' text, and {len(named)} references have values")


def _named(registry: Registry) -> tuple[str, ...]:
    """Every reference that the App names."""
    found = list(registry.secrets)
    for tools in registry.tools.values():
        for tool in tools.values():
            found += tool.spec.secrets
    for servers in registry.servers.values():
        for server in servers:
            found += [*server.env.values(), *server.headers.values()]
    return tuple(dict.fromkeys(found))
