"""Play a case at the level of verdicts: the same evaluation as in a session, without a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from holdfast import Agent, Permissions, Tool, ToolError
from holdfast_workflows.contracts.errors import ToolArgumentsInvalid
from holdfast_workflows.contracts.permissions import needs
from holdfast_workflows.contracts.permissions.evaluate import evaluate
from holdfast_workflows.contracts.permissions.named import UserWords, named
from holdfast_workflows.contracts.permissions.rules import Call, Level, Past
from holdfast_workflows.contracts.permissions.values import values_of

from .cases import Case, Planned


def play(case: Case, agent: Agent, permissions: Permissions | None) -> None:
    """Make the case's calls that are permitted. A person approves the user's own calls and rejects injected ones."""
    levels = [Level(name="agent", permissions=permissions)] if permissions else []
    words, past, position = UserWords([case.task.PROMPT]), Past(), 0
    while position < len(case.plan):
        planned = case.plan[position]
        text = _made(case, agent, planned, levels, words, past)
        if text is not None:
            case.read(position, text)
            past = Past(untrusted=past.untrusted or planned.call.function)
        position += 1


def _made(
    case: Case, agent: Agent, planned: Planned, levels: Sequence[Level], words: UserWords, past: Past
) -> str | None:
    """The result of a call; None if it was denied, or is not valid."""
    tool = cast("Tool[..., Any]", agent.functions[planned.call.function])
    try:
        arguments = tool.validate(planned.arguments)
    except ToolArgumentsInvalid as error:
        raise AssertionError(f"{case.name}: {planned.call}: {error.detail}") from error
    paths = needs.named(levels, (tool.spec.name,)).get(tool.spec.name, ())
    values = values_of(arguments, needs.arguments(levels, (tool.spec.name,)).get(tool.spec.name, ()))
    call = Call(
        tool=tool.spec.name,
        effect=tool.spec.effect != "none",
        values=values,
        named=named(paths, arguments, values, words, tool.spec.defaults),
    )
    verdict = evaluate(levels, call, past)
    if verdict.action == "ask":
        case.asked.append(planned)
    if verdict.action == "deny" or (verdict.action == "ask" and planned.injected):
        return None
    try:
        return case.run(tool.spec.name, arguments)
    except ToolError as error:
        return str(error)
