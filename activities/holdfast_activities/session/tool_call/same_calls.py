"""Match calls after a reset with the same calls before it.

After a reset a turn may run again from its start, under new numbers, and repeat calls that were made already.
The same call keeps its key, so its settled result is found. A ``once`` call that may or may not be the same
as an earlier one is decided by a person.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast_activities.state.database import State
from holdfast_activities.state.log.reading import entries
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.effects import EffectStatus, EffectView
from holdfast_workflows.contracts.operations.resets import aside
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry, UserEntry
from holdfast_workflows.contracts.session.steps import ActInput

from .request import asked_for

_HAPPENED: tuple[EffectStatus, ...] = ("settled", "claimed", "unknown")
"""Statuses of calls that have, or may have, an effect that is not undone."""


@dataclass(frozen=True, slots=True)
class Before:
    """The same call before the reset: its key and result. ``doubt`` names a call that may be the same."""

    key: str = ""
    result: ResultEntry | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class _Call:
    """A call in a log: its number, tool and arguments, and the message of its turn."""

    seq: int
    tool: str
    arguments: str
    message: str
    turn: int


class SameCalls:
    """Finds a call in the logs that resets have set aside. Reads nothing in sessions without a reset."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def before(self, request: ActInput, effect: str, arguments: str) -> Before:
        """Find a call with an effect in the logs before the resets of its session."""
        if not request.resets or effect == "none":
            return Before()
        if await self._row(names.call_key(request.session, request.seq)) is not None:
            # Asked for before the reset's point, so it is the same call under its own key.
            return Before()
        now = await self._calls(request.session, ())
        wanted = canonical(arguments)
        mine = next((call for call in now if call.seq == request.seq), None)
        message = mine.message if mine else ""
        place = sum(
            call.turn == request.turn and _same(call, request.name, wanted)
            for call in now
            if request.since <= call.seq < request.seq
        )
        doubt = ""
        for number in range(request.resets, 0, -1):
            log = aside(request.session, number)
            then = [call for call in await self._calls(log, now) if call.tool == request.name]
            same = [call for call in then if _same(call, request.name, wanted)]
            here = [call for call in same if call.message == message]
            if place < len(here) and (row := await self._happened(request.session, here[place])):
                found = await self._result(log, here[place].seq) if row.status == "settled" else None
                return Before(row.key, found)
            others = [call for call in then if call.message == message and call not in same]
            for call in [*others, *(call for call in same if call not in here)]:
                if not doubt and (row := await self._happened(request.session, call)):
                    doubt = f"before the reset {row.tool} {row.arguments} was {row.status} ({row.key})"
        return Before(doubt=doubt if effect == "once" else "")

    async def known(self, request: ActInput) -> ActInput:
        """The request with the key of the same call before a reset, if there was one."""
        if not request.resets:
            return request
        asked = await asked_for(self._state, request)
        wanted = request.model_copy(update={"name": asked.name})
        before = await self.before(wanted, "idempotent", asked.arguments)
        return request.model_copy(update={"key": before.key}) if before.key else request

    async def _happened(self, session: str, call: _Call) -> EffectView | None:
        return await self._row(names.call_key(session, call.seq))

    async def _row(self, key: str) -> EffectView | None:
        found = await self._state.effects.get(key)
        return found[0] if found and found[0].status in _HAPPENED else None

    async def _result(self, log: str, seq: int) -> ResultEntry | None:
        found = await self._state.log.read(log, seq, seq + 1)
        return found[0] if found and isinstance(found[0], ResultEntry) else None

    async def _calls(self, log: str, known: Sequence[_Call]) -> list[_Call]:
        """The calls of a log. If a turn was split by the reset, its message is in the session's current log (``known``)."""
        messages = {call.turn: call.message for call in known}
        found: list[_Call] = []
        async for entry in entries(self._state.log, log, 0):
            if isinstance(entry, UserEntry) and entry.role == "message":
                messages[entry.turn] = entry.text
            elif isinstance(entry, ReplyEntry):
                message = messages.get(entry.turn, "")
                found += [
                    _Call(seq, call.name, canonical(call.arguments), message, entry.turn)
                    for seq, call in enumerate(entry.calls, entry.seq + 1)
                ]
        return found


def canonical(arguments: str) -> str:
    """Arguments as canonical JSON."""
    try:
        return json.dumps(json.loads(arguments), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return arguments


def _same(call: _Call, tool: str, arguments: str) -> bool:
    return call.tool == tool and call.arguments == arguments
