"""What a fork's calls get: the recorded results of the same calls, or a note that the call was not made."""

from collections.abc import AsyncIterator

from holdfast_activities.session.common import run_tool
from holdfast_activities.session.common.agents import LiveAgent
from holdfast_activities.session.tool_call.same_calls import canonical
from holdfast_activities.state.base import Log
from holdfast_activities.state.log.reading import entries
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import ToolArgumentsInvalid
from holdfast_workflows.contracts.evaluation.forks import NOT_CARRIED_OUT, ForkSource
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry, ToolCall

_OF_SESSION = frozenset({names.READ_MORE, names.UPDATE_PLAN, names.WRITE_NOTES})
"""Built-in tools that reach only the session itself, so a fork calls them."""

_TOLD = frozenset({"ok", "failed"})
"""Statuses of results that a tool gave; others are Holdfast's own."""


async def instead(
    log: Log, source: ForkSource, call: run_tool.ToolRun, agent: LiveAgent
) -> ResultEntry | None:
    """The result of a fork's call without making it; None if it is to be made, or is invalid.

    The n-th same call of the turn gets the result of the n-th one in the other session.
    """
    if call.name in _OF_SESSION:
        return None
    spec, binding = agent.tools.get(call.name), agent.binding(call.name)
    effect = spec is None or spec.effect != "none" or call.name == names.HAND_OVER
    found = await _recorded(log, source, call, again=not effect)
    if found is not None:
        moved = {name: getattr(call, name) for name in ("seq", "turn", "step", "call_id")}
        return found.model_copy(update=moved | {"source": "recorded"})
    if spec is None or spec.hidden or (not effect and source.reads == "live"):
        return None
    try:
        if binding is not None:
            binding.validate(call.arguments)
    except ToolArgumentsInvalid:
        return None
    return run_tool.result(call, NOT_CARRIED_OUT, "ok").model_copy(update={"source": "fenced"})


async def _recorded(
    log: Log, source: ForkSource, call: run_tool.ToolRun, *, again: bool
) -> ResultEntry | None:
    """The recorded result of the same call. With ``again``, any one serves if there were fewer such calls."""
    wanted = canonical(call.arguments)
    place = 0
    async for seq, made in _calls(log, call.session, source.seq, call.seq):
        place += seq < call.seq and _same(made, call.name, wanted)
    later: list[int] = []
    async for seq, made in _calls(log, source.session, source.seq, None, source.turn):
        if _same(made, call.name, wanted):
            later.append(seq)
    result = await _result(log, source.session, later[place]) if place < len(later) else None
    if result is not None or not again:
        return result
    earlier = [
        seq
        async for seq, made in _calls(log, source.session, 0, source.seq)
        if _same(made, call.name, wanted)
    ]
    for seq in reversed([*earlier, *later]):
        if (result := await _result(log, source.session, seq)) is not None:
            return result
    return None


async def _calls(
    log: Log, session: str, start: int, stop: int | None, turn: int | None = None
) -> AsyncIterator[tuple[int, ToolCall]]:
    """The calls of a log's replies, each with the number of its result."""
    async for entry in entries(log, session, start, stop):
        if isinstance(entry, ReplyEntry) and turn in {None, entry.turn}:
            for seq, call in enumerate(entry.calls, entry.seq + 1):
                yield seq, call


async def _result(log: Log, session: str, seq: int) -> ResultEntry | None:
    found = await log.read(session, seq, seq + 1)
    return found[0] if found and isinstance(found[0], ResultEntry) and found[0].status in _TOLD else None


def _same(made: ToolCall, name: str, arguments: str) -> bool:
    return made.name == name and canonical(made.arguments) == arguments
