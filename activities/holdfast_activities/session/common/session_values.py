"""The values of a session, kept as versions of a board that only its tools reach."""

import json
import re
from typing import Any

from holdfast_activities.state.coordination.boards import BoardStore, BoardWrite
from holdfast_workflows.contracts.errors import BadInput, BoardConflict, VersionConflict
from holdfast_workflows.contracts.names import values_of
from holdfast_workflows.contracts.teams.board import KEY, BoardEntry
from holdfast_workflows.contracts.text.redaction import redact_known
from holdfast_workflows.contracts.text.unicode import dump_json
from holdfast_workflows.contracts.tools.session_values import LONGEST_VALUE, OPENER, SessionValue, ValueStore


def offer(boards: BoardStore) -> None:
    """Let the tools that the running activity calls keep values."""

    def opened(session: str, tenant: str, agent: str, call: str) -> ValueStore:
        return _Values(boards, BoardWrite(values_of(session), "", "", 0, call, tenant, session, agent))

    OPENER.set(opened)


class _Values:
    """The values of the session of one call; ``write`` has the call."""

    def __init__(self, boards: BoardStore, write: BoardWrite) -> None:
        self._boards = boards
        self._call = write

    async def read(self, key: str) -> SessionValue:
        found = await self._boards.read(self._call.board, [_checked(key)])
        return _value(key, found.get(key))

    async def keys(self, prefix: str) -> tuple[str, ...]:
        return tuple(entry.key for entry in await self._boards.entries(self._call.board, prefix))

    async def write(self, key: str, value: Any, over: int, number: int) -> SessionValue:
        text, call = "" if value is None else _text(key, value), f"{self._call.call}/{number}"
        earlier = await self._boards.written_by(self._call.board, _checked(key), call)
        if earlier is not None:
            return _value(key, earlier)
        about = self._call
        write = BoardWrite(about.board, key, text, over, call, about.tenant, about.session, about.agent)
        try:
            return _value(key, await self._boards.write(write))
        except BoardConflict:
            now = await self.read(key)
            raise VersionConflict(f"value {key!r} is at version {now.version}, not at {over}") from None


def _checked(key: str) -> str:
    if not re.fullmatch(KEY, key):
        raise BadInput(f"the key {key!r} of a value is not valid; use letters, digits and _./:-, at most 100")
    return key


def _text(key: str, value: Any) -> str:
    try:
        text = redact_known(dump_json(value))
    except (TypeError, ValueError) as error:
        raise BadInput(f"value {key!r} is not JSON: {error}") from None
    if len(text) > LONGEST_VALUE:
        raise BadInput(f"value {key!r} has {len(text):,} characters as JSON; at most {LONGEST_VALUE:,}")
    return text


def _value(key: str, entry: BoardEntry | None) -> SessionValue:
    if entry is None:
        return SessionValue(key)
    return SessionValue(key, json.loads(entry.text) if entry.size else None, entry.version)
