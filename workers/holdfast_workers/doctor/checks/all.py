"""The list of all checks, in the order in which they run."""

from __future__ import annotations

from typing import Final

from ..examination import Check
from . import (
    agents,
    breakers,
    disk,
    encryption,
    identity,
    kill,
    memory,
    metrics,
    models,
    performance,
    permissions,
    prices,
    replays,
    retries,
    secrets,
    settings,
    state,
    temporal,
    tls,
)

CHECKS: Final = (
    Check("settings", "configuration", settings.check),
    Check("agents", "configuration", agents.check),
    Check("temporal", "dependencies", temporal.check),
    Check("disk", "dependencies", disk.check),
    Check("state", "dependencies", state.check),
    Check("binding", "dependencies", state.check_binding, needs=("temporal", "state")),
    Check("models", "dependencies", models.check),
    Check("prices", "dependencies", prices.check),
    Check("memory", "memory", memory.check, needs=("state",)),
    Check("breakers", "error handling", breakers.check, needs=("state",)),
    Check("retries", "error handling", retries.check_retry, needs=("temporal",)),
    Check("fallbacks", "error handling", retries.check_fallback, needs=("temporal",)),
    Check("performance", "performance", performance.check, needs=("temporal",)),
    Check("latency", "performance", performance.check_latency, needs=("temporal", "state")),
    Check("encryption", "security", encryption.check),
    Check("secrets", "security", secrets.check),
    Check("permissions", "security", permissions.check),
    Check("tls", "security", tls.check),
    Check("identity", "security", identity.check),
    Check("metrics", "monitoring", metrics.check),
    Check("alerts", "monitoring", metrics.check_alerts),
    Check("replays", "upgrade", replays.check, needs=("temporal",), seconds=300.0),
    Check("kill", "recovery", kill.check, needs=("temporal",), on_request=True, seconds=120.0),
)
"""All checks."""
