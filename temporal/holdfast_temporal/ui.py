"""Links into the Temporal UI."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from temporalio.client import Client

from .connection import is_local
from .server import DevServer


def base(client: Client, folder: Path | str | None = None) -> str:
    """The UI's address from ``HOLDFAST_UI`` or from the client's embedded server; empty if unknown."""
    if url := os.environ.get("HOLDFAST_UI", ""):
        return url.rstrip("/")
    target = client.service_client.config.target_host
    if target.endswith((".tmprl.cloud:7233", ".temporal.io:7233")):
        return "https://cloud.temporal.io"
    found = DevServer.find(folder)
    if found is None:
        return ""
    # The machine has several names, so the ports are compared.
    same = is_local(target) and target.rpartition(":")[2] == found.address.rpartition(":")[2]
    return found.ui if same else ""


def link(base: str, namespace: str, workflow_id: str, run_id: str = "") -> str:
    """A run's page in the UI; without ``run_id``, the newest run's."""
    page = f"{base}/namespaces/{quote(namespace, safe='')}/workflows/{quote(workflow_id, safe='')}"
    return f"{page}/{quote(run_id, safe='')}" if run_id else page


def run_link(client: Client, workflow_id: str, run_id: str = "", *, folder: Path | str | None = None) -> str:
    """A run's page in the UI of the client's server; empty if that server's UI is not known."""
    found = base(client, folder)
    return link(found, client.namespace, workflow_id, run_id) if found else ""
