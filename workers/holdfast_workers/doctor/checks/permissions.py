"""Permissions: an unknown tool is denied, and tools with effects are covered by a rule or an approval."""

from __future__ import annotations

from holdfast_workflows.contracts.permissions.conditions import matches_tool
from holdfast_workflows.contracts.permissions.evaluate import evaluate
from holdfast_workflows.contracts.permissions.rules import Call, Level, Past, Permissions

from ..examined import Examined
from ..findings import Finding, failed, warning, worst


async def check(examined: Examined) -> Finding:
    """Decide a call of a tool that no agent has, and list effects that no rule covers."""
    registry, found = examined.registry, list[Finding]()
    unknown = Call(tool="a_tool_that_does_not_exist", known=False)
    if evaluate(_levels(registry.permissions), unknown, Past()).action != "deny":
        found.append(failed("a call of an unknown tool is not denied", "do not use this build; report it"))
    open_, covered = list[str](), 0
    for agent in registry.agents.values():
        rules = [
            rule
            for permissions in (registry.permissions, agent.permissions)
            for rule in (permissions.rules if permissions else ())
        ]
        for tool in agent.tools:
            if tool.effect == "none":
                continue
            if tool.approval or any(matches_tool(rule.tool, tool.name) for rule in rules):
                covered += 1
            else:
                open_.append(f"{agent.name}.{tool.name}")
    if open_:
        found.append(
            warning(
                f"no rule or approval covers what these tools do: {', '.join(open_)}",
                "add allow, ask or deny rules: docs/permissions.md",
            )
        )
    return worst(found, f"unknown tools are denied; rules or approvals cover {covered} tools with effects")


def _levels(permissions: Permissions | None) -> list[Level]:
    return [Level(name="app", permissions=permissions)] if permissions else []
