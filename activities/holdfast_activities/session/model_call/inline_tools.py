"""The tool calls of a step that ``think`` settles itself: inline tools and invalid calls."""

import asyncio
from collections.abc import Collection

from holdfast_activities.evaluation.recorded import instead
from holdfast_activities.state.base import Log
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import HoldfastError, ToolArgumentsInvalid
from holdfast_workflows.contracts.operations.instruments import Instruments
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry
from holdfast_workflows.contracts.session.steps import ThinkInput

from ..common import run_tool
from ..common.agents import LiveAgent


async def run(
    step: ThinkInput,
    agent: LiveAgent,
    reply: ReplyEntry,
    known: Collection[int],
    made: int,
    log: Log,
    metrics: Instruments,
) -> list[ResultEntry]:
    """Run the inline calls of a reply, and return their results and the errors of invalid calls.

    Calls with a ``known`` result are left out, and inline calls beyond the budget after ``made`` ones: the workflow
    raises the budget or refuses them.
    """
    calls = [
        run_tool.ToolRun.of(step, seq, reply.step, call, names.call_key(step.session, seq))
        for seq, call in enumerate(reply.calls, reply.seq + 1)
    ]
    if step.calls_left is not None:
        inline = [call.seq for call in calls if (tool := agent.tools.get(call.name)) and tool.inline]
        known = {*known, *inline[max(0, step.calls_left - made) :]}
    results = await asyncio.gather(
        *(_result(agent, call, step, log, metrics) for call in calls if call.seq not in known)
    )
    return [result for result in results if result is not None]


async def _result(
    agent: LiveAgent, call: run_tool.ToolRun, step: ThinkInput, log: Log, metrics: Instruments
) -> ResultEntry | None:
    """The result of a call; None if the workflow has to schedule it."""
    spec, binding = agent.tools.get(call.name), agent.binding(call.name)
    if binding is None and spec is not None and not spec.hidden and await agent.elsewhere():
        return None
    if spec is None or spec.hidden or binding is None:
        return run_tool.result(call, agent.no_tool(call.name), "invalid")
    try:
        arguments = binding.validate(call.arguments)
    except ToolArgumentsInvalid as error:
        return run_tool.result(call, error.detail, "invalid")
    if not spec.inline or call.name in step.scheduled:
        return None
    recorded = await instead(log, step.fork, call, agent) if step.fork is not None else None
    try:
        return recorded or await run_tool.run(
            binding, call, arguments, spec.timeout, _ignore_heartbeat, metrics
        )
    except HoldfastError as error:
        return run_tool.failed(call, error)


def _ignore_heartbeat(_: str) -> None:
    """Ignore an inline tool's heartbeat: ``think`` sends its own."""
