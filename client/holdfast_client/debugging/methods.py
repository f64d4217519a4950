"""The methods of a session by which people find out what happened."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

from holdfast_client.operations.stored import content
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations.debugging import DebugRecord
from holdfast_workflows.contracts.session.manifests import Manifest
from holdfast_workflows.contracts.session.session import SessionView

from . import debug_mode, exporting, tracing
from .spans import Trace


class DebuggingMethods:
    """Traces, bundles, debug mode, and how prompts were built."""

    _requests: Requests
    _id: str

    async def trace(self, turn: int | None = None, *, last: int | None = tracing.TURNS) -> Trace:
        """Return where the time went: model and tool calls, waits with their reasons, retries, lost workers.

        It needs no worker, unless the client has a credential: what only workers know is then missing.

        Args:
            turn: Only this turn.
            last: How many turns, counted from the last one; None for all.

        Raises:
            BadInput: ``turn`` or ``last`` is less than 1.
            NothingToDo: The history has no such turn.
        """
        if any(number is not None and number < 1 for number in (turn, last)):
            raise BadInput(f"turn={turn} and last={last} must be at least 1")
        return await tracing.trace(self._requests, self._id, turn, last)

    async def export(self, path: Path | str) -> tuple[str, ...]:
        """Write the session to a file, which ``holdfast.open_bundle`` reads: history, log, prompts, effects, configuration.

        Secrets are replaced; what users and tools said is in it, decrypted. Returns what could not be read, and why,
        such as the log while no worker runs.

        Raises:
            BadInput: The file cannot be written.
        """
        return (await exporting.export(self._requests, self._id, Path(path))).missing

    async def debug(self, duration: timedelta = timedelta(hours=1), *, by: str = "") -> SessionView:
        """Turn debug mode on for a while, one hour by default: from the next activity on, more is recorded and logged.

        Assembled prompts, arguments, results, headers of requests, and what took the time are recorded without
        secrets: ``debug_records``. Workers write the session's log lines at DEBUG, and its traces are always sampled.
        Another call replaces the end. It needs the role operator, and is audited.

        Args:
            duration: At most 24 hours.
            by: Who turns it on; with an identity provider that follows from the credential.

        Raises:
            BadInput: ``duration`` is less than a second or more than 24 hours.
            SessionClosed: The session has ended.
        """
        return await debug_mode.turn_on(self._requests, self._id, duration, by)

    async def debug_off(self, *, by: str = "") -> SessionView:
        """Turn debug mode off; its records stay.

        Raises:
            NothingToDo: It is off.
            SessionClosed: The session has ended.
        """
        return await debug_mode.turn_off(self._requests, self._id, by)

    async def debug_records(self) -> AsyncGenerator[DebugRecord]:
        """Yield what activities did while the session was in debug mode, one record for each attempt."""
        async for record in debug_mode.records(self._requests, self._id):
            yield record

    async def prompts(self) -> AsyncGenerator[Manifest]:
        """Yield the manifest of each model call's prompt, in order."""
        async for manifest in content.prompts(self._requests, self._id):
            yield manifest

    async def prompt(self, step: int | None = None, *, turn: int | None = None) -> Manifest:
        """Return the manifest of one step's prompt: what it contains, what was left out, and why.

        By default the last step; with ``step`` alone, of the last turn that has such a step.

        Raises:
            NothingToDo: The session has no such model call.
        """
        return await content.prompt(self._requests, self._id, step, turn)
