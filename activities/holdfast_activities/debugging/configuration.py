"""What a session runs with: its spec, and the settings and versions of a worker."""

import json
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from temporalio import activity

from holdfast_activities.session.common.failures import reports_failures
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.debugging import Configuration, ReadConfiguration
from holdfast_workflows.contracts.text.redaction import redact_value
from holdfast_workflows.contracts.variables import CLIENT, PREFIX, WORKER

_HIDDEN: Final = re.compile("KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL")
"""Parts of names of variables whose values are not shown."""

_PACKAGES: Final = ("holdfast", "temporalio", "pydantic", "sqlalchemy", "httpx")


class DebuggingActivities:
    """The activities of people who find out what happened."""

    def __init__(self, state: State) -> None:
        self._state = state

    @activity.defn(name=names.READ_CONFIGURATION)
    @reports_failures
    async def read_configuration(self, ask: ReadConfiguration) -> Configuration:
        """Return what a session runs with, without secrets."""
        row = await self._state.load_session(ask.session)
        body = await self._state.load_spec(row.digest) if row else None
        spec: dict[str, Any] = json.loads(body) if body else {}
        return Configuration(spec=redact_value(spec), settings=_settings(), versions=_versions())


def _settings() -> dict[str, str]:
    known = {f"{PREFIX}{name}" for name in CLIENT | WORKER}
    found = {name: value for name, value in sorted(os.environ.items()) if name in known}
    hidden = {name: "(set)" if _HIDDEN.search(name) else value for name, value in found.items()}
    redacted: dict[str, str] = redact_value(hidden)
    return redacted


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
