"""A server's credentials, resolved in the worker for one session; nothing stores them."""

import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast_activities.secrets.references import fill
from holdfast_workflows.contracts.agent.mcp import CredentialsContext, McpServer
from holdfast_workflows.contracts.errors import HoldfastError, McpAccessDenied
from holdfast_workflows.contracts.text.redaction import redact_error

_SHORTEST_SECRET = 6


@dataclass(frozen=True)
class Resolved:
    """The values to reach a server with. ``key`` names the connections that may be shared; it reveals no value."""

    env: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    key: str

    def redact(self, text: str) -> str:
        """Replace the values, which a server may repeat in its answers."""
        for value in (*self.env.values(), *self.headers.values()):
            for secret in (value, value.rpartition(" ")[2]):
                if len(secret) >= _SHORTEST_SECRET:
                    text = text.replace(secret, "***")
        return text


async def resolve(server: McpServer, about: CredentialsContext[object]) -> Resolved:
    """Resolve references and ask the server's ``credentials`` function.

    Raises:
        SecretMissing: A reference leads nowhere.
        McpAccessDenied: The function failed.
    """
    own = await _of_user(server, about)
    env = _filled(server.env) | (own if server.command else {})
    headers = _filled(server.headers) | (own if server.url else {})
    # Per-user credentials are never shared, also if two users have the same.
    whose = [about.tenant, about.user] if server.credentials else []
    key = hashlib.sha256(json.dumps([env, headers, whose], sort_keys=True).encode()).hexdigest()
    return Resolved(env, headers, key)


def _filled(values: Mapping[str, str]) -> dict[str, str]:
    return {name: fill(value) for name, value in values.items()}


async def _of_user(server: McpServer, about: CredentialsContext[object]) -> dict[str, str]:
    if server.credentials is None:
        return {}
    try:
        given = server.credentials(about)
        return dict(await given if inspect.isawaitable(given) else given)
    except HoldfastError:
        raise
    except Exception as error:
        detail = f"server {server.name!r}: its credentials function raised {redact_error(repr(error))}"
        raise McpAccessDenied(detail) from error
