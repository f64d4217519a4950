"""The settings that a deployment needs, and those that do nothing."""

from __future__ import annotations

import os

from holdfast_workflows.contracts.variables import unknown_variables

from ..examined import Examined
from ..findings import Finding, warning, worst


async def check(examined: Examined) -> Finding:
    """The five that production needs: Temporal's address and namespace, the queue, the database, a log for machines."""
    settings = examined.settings
    found = [warning(line, "correct the name, or remove it") for line in unknown_variables(os.environ)]
    defaults = {
        "HOLDFAST_TEMPORAL_ADDRESS": (
            settings.temporal_address,
            "the embedded server of this machine is used",
        ),
        "HOLDFAST_NAMESPACE": (os.environ.get("HOLDFAST_NAMESPACE"), "the namespace is 'default'"),
        "HOLDFAST_STATE_URL": (
            settings.state_url.get_secret_value() or settings.state_url_file,
            "the state database is a file of this machine",
        ),
        "HOLDFAST_TASK_QUEUE or App(name=…)": (
            examined.registry.name or os.environ.get("HOLDFAST_TASK_QUEUE"),
            "the queue 'holdfast' is that of every App without a name",
        ),
        "HOLDFAST_HEALTH_PORT": (settings.health_port is not None, "health and metrics are not served"),
    }
    found += [
        warning(f"{name} is not set: {effect}", f"set {name}")
        for name, (value, effect) in defaults.items()
        if not value
    ]
    return worst(found, f"the five settings of a deployment are set; the queue is {settings.task_queue}")
