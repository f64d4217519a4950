"""Identity: requests are those of verified principals."""

from __future__ import annotations

from holdfast_workers.startup.identity import make_verifier

from ..examined import Examined
from ..findings import Finding, ok, warning


async def check(examined: Examined) -> Finding:
    """Read the keys and the provider's settings, as a worker does at its start."""
    verifier = make_verifier(examined.settings)
    if verifier is None:
        return warning(
            "every client of Temporal acts as the one operator: there is no identity provider",
            "create API keys, or set HOLDFAST_IDENTITY_JWKS: docs/identity.md",
        )
    return ok("requests need a verified principal")
