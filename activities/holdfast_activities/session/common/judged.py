"""The validated arguments of a call, as the session's rules judge them and as the call's activity checks them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from pydantic_core import PydanticSerializationError, to_jsonable_python

from holdfast_activities.state.base import Log
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.errors import ToolArgumentsInvalid
from holdfast_workflows.contracts.operations.resets import Abandoned
from holdfast_workflows.contracts.permissions.named import UserWords, named
from holdfast_workflows.contracts.permissions.values import digest, judged
from holdfast_workflows.contracts.session.entries import ReplyEntry, UserEntry
from holdfast_workflows.contracts.session.steps import ActInput, ThinkInput

from .agents import LiveAgent

Judged = tuple[dict[str, Any], tuple[str, ...]]
"""The values of a call's arguments, and the paths whose values the user named."""

CHANGED = (
    "not run: its arguments are read differently now than when the call was permitted, since the tool has changed; "
    "call it again"
)


def values_of(arguments: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return validated arguments as JSON values; those that are too long, or not JSON, are left out."""
    plain = {
        name: float(value) if isinstance(value, Decimal) and value.is_finite() else value
        for name, value in arguments.items()
    }
    try:
        values = to_jsonable_python(plain, inf_nan_mode="strings")
    except (PydanticSerializationError, ValueError, RecursionError):
        return {}
    return judged(cast("dict[str, Any]", values), tuple(names))


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
            values = values_of(binding.validate(call.arguments), names)
        except ToolArgumentsInvalid:
            continue
        if paths and words is None:
            words = UserWords(await _messages(log, step.session, reply.seq, step.abandoned))
        by_user = named(paths, values, words, _defaults(spec)) if words is not None else ()
        found[seq] = values, by_user
    return found


async def _messages(log: Log, session: str, before: int, abandoned: Abandoned) -> list[str]:
    """Return the user's own messages that the model was shown."""
    return [
        entry.text
        for entry in await log.read(session, 0, before)
        if isinstance(entry, UserEntry)
        and entry.role != "repair"
        and not any(start <= entry.seq < stop for start, stop in abandoned)
    ]


def _defaults(spec: ToolSpec) -> dict[str, Any]:
    found = cast("dict[str, Any]", spec.parameters.get("properties") or {})
    return {
        name: cast("dict[str, Any]", schema)["default"]
        for name, schema in found.items()
        if isinstance(schema, dict) and "default" in schema
    }
