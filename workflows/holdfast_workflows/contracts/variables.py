"""The environment variables that Holdfast reads."""

import re
from collections.abc import Mapping
from typing import Final

from .text.nearest import nearest

PREFIX: Final = "HOLDFAST_"

CLIENT: Final = frozenset({
    "A2A_TOKEN", "ACCEPT_CLEAR", "API_KEY", "API_KEY_FILE", "CREDENTIAL", "HOME", "KEYS", "MCP_TOKEN", "NAMESPACE", "TASK_QUEUE", "TEMPORAL_ADDRESS", "TLS", "TLS_CA",
    "TLS_CERT", "TLS_KEY", "TLS_SERVER_NAME", "TRACE_URL", "UI",
})  # fmt: skip
"""Read by clients, and by workers as well."""

WORKER: Final = frozenset({
    "AUDIT_EXPORT", "BACKUP_DAYS", "BACKUP_EVERY", "BACKUP_FOLDER", "BACKUP_MEMORIES", "EMBEDDINGS", "GRACEFUL_SECONDS", "HEALTH_HOST", "HEALTH_PORT",
    "IDENTITY_ALGORITHMS",
    "IDENTITY_API_KEYS", "IDENTITY_AUDIENCE", "IDENTITY_CLAIMS", "IDENTITY_ISSUER", "IDENTITY_JWKS",
    "IDENTITY_KEY", "IDENTITY_LEEWAY", "LOG_DAYS", "LOG_FOLDER", "LOG_FORMAT", "LOG_LEVEL", "MAINTENANCE_EVERY",
    "MAX_CACHED_WORKFLOWS", "MAX_CONCURRENT_ACTIVITIES", "MAX_CONCURRENT_WORKFLOW_TASKS", "MEMORY_URL",
    "MEMORY_URL_FILE", "PROBE_WORKERS", "PRICES", "PROVIDERS", "QUEUES", "SIGNING_KEY", "STATE_URL",
    "STATE_URL_FILE", "STOP_WITH_PARENT", "TRACING", "TRACING_CONTENT", "TRACING_SAMPLE",
})  # fmt: skip
"""Read by workers only. A test compares both with the settings."""

# Kubernetes sets these in every pod for a service whose name begins with "holdfast".
_OF_KUBERNETES = re.compile(r"(.*_)?SERVICE_(HOST|PORT)(_.*)?|.*PORT_\d+_(TCP|UDP)(_.*)?")


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a warning for each unknown ``HOLDFAST_…`` variable, with the nearest known name."""
    known = CLIENT | WORKER
    lines: list[str] = []
    for variable, value in sorted(environ.items()):
        name = variable.removeprefix(PREFIX)
        if name == variable or name in known or _of_kubernetes(name, value):
            continue
        close = nearest(name, sorted(known))
        meant = f"did you mean {PREFIX}{close}?" if close else "it changes nothing."
        lines.append(f"No setting {variable}; {meant}")
    return lines


def _of_kubernetes(name: str, value: str) -> bool:
    return _OF_KUBERNETES.fullmatch(name) is not None or value.startswith(("tcp://", "udp://"))
