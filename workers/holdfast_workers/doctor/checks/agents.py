"""What agents declare: their fixed prompt fits the context window, and their spending has a limit."""

from __future__ import annotations

from typing import Final

from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.errors import HoldfastError

from ..examined import Examined
from ..findings import Finding, failed, warning, worst

_BYTES: Final = 3  # of a token, counted carefully
_LARGE: Final = 0.5


async def check(examined: Examined) -> Finding:
    """Compare each agent's instructions, tools and reply with the smallest window of its models."""
    found: list[Finding] = []
    smallest = 0
    for agent in examined.registry.agents.values():
        windows = _windows(examined, agent)
        smallest = min([smallest or max(windows.values(), default=0), *windows.values()])
        for model, window in windows.items():
            found += _fit(agent, model, window)
        if agent.budget is None:
            found.append(
                warning(
                    f"agent {agent.name} has no budget",
                    "give it Agent(budget=Budget(…)), or each session one",
                )
            )
    count = len(examined.registry.agents)
    return worst(found, f"{count} agents fit their models; the smallest window has {smallest:,} tokens")


def _windows(examined: Examined, agent: AgentSpec) -> dict[str, int]:
    windows: dict[str, int] = {}
    for name in agent.models:
        try:
            windows[name] = examined.models().get(name).window
        except HoldfastError:
            continue  # the check of models reports it
    return windows


def _fit(agent: AgentSpec, model: str, window: int) -> list[Finding]:
    remedy = "shorten the instructions, give the agent fewer tools, or correct the number"
    declared = agent.context_window or window
    if declared > window:
        text = f"agent {agent.name} declares a window of {declared:,} tokens, and {model} has {window:,}"
        return [failed(text, "remove context_window, or set the model's own")]
    reply = agent.max_tokens or 0
    fixed = (
        len(agent.instructions.encode()) // _BYTES
        + sum(len(tool.model_dump_json().encode()) for tool in agent.tools) // _BYTES
    )
    if fixed + reply >= declared:
        text = f"agent {agent.name}: about {fixed:,} tokens of instructions and tools and {reply:,} of reply fill {model}"
        return [failed(text, remedy)]
    if fixed > declared * _LARGE:
        text = (
            f"agent {agent.name}: instructions and tools take {fixed / declared:.0%} of the window of {model}"
        )
        return [warning(text, remedy)]
    return []
