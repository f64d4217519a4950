"""The validated arguments of a call, as the session's rules judge them and as the call's activity checks them."""

from collections.abc import Mapping
from typing import Any

from holdfast_activities.state.base import Log
from holdfast_workflows.contracts.errors import ToolArgumentsInvalid
from holdfast_workflows.contracts.operations.resets import Abandoned
from holdfast_workflows.contracts.permissions.named import UserWords, named
from holdfast_workflows.contracts.permissions.values import digest, values_of
from holdfast_workflows.contracts.session.entries import ReplyEntry, UserEntry
from holdfast_workflows.contracts.session.steps import ActInput, ThinkInput

from .agents import LiveAgent

Judged = tuple[dict[str, Any], tuple[str, ...]]
"""The values of a call's arguments, and the paths whose values the user named."""

CHANGED = (
    "not run: its arguments are read differently now than when the call was permitted, since the tool has changed; "
    "call it again"
)


def has_changed(request: ActInput, arguments: Mapping[str, Any]) -> bool:
    """Whether arguments are not those by which the call was permitted."""
    if not request.judged:
        return False
    return digest(values_of(arguments, request.judged)) != request.judged_digest


async def judged_calls(
    step: ThinkInput, agent: LiveAgent, reply: ReplyEntry, done: Mapping[int, object], log: Log
) -> dict[int, Judged]:
    """Return what rules look at, for the calls of a reply that the workflow decides."""
    found = dict[int, Judged]()
    words: UserWords | None = None
    for seq, call in enumerate(reply.calls, reply.seq + 1):
        names, paths = step.judged.get(call.name, ()), step.named.get(call.name, ())
        binding, spec = agent.binding(call.name), agent.tools.get(call.name)
        if seq in done or not (names or paths) or binding is None or spec is None:
            continue
        try:
            arguments = binding.validate(call.arguments)
        except ToolArgumentsInvalid:
            continue
        values = values_of(arguments, names)
        if paths and words is None:
            words = UserWords(await _messages(log, step.session, reply.seq, step.abandoned))
        by_user = named(paths, arguments, values, words, spec.defaults) if words is not None else ()
        found[seq] = values, by_user
    return found


async def _messages(log: Log, session: str, before: int, abandoned: Abandoned) -> list[str]:
    """Return the user's messages that the model was shown.

    Steering is left out: Holdfast also writes such entries, with texts of calls and tools in them.
    """
    return [
        entry.text
        for entry in await log.read(session, 0, before)
        if isinstance(entry, UserEntry)
        and entry.role == "message"
        and not any(start <= entry.seq < stop for start, stop in abandoned)
    ]
