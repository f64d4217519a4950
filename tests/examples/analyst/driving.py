"""The offline analyst and its real tools in one process, with no server between them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.analyst.offline import Ask, analyse, reply
from examples.analyst.tools import make_tools
from holdfast import Tool
from holdfast_workflows.contracts.errors import ToolFailed
from tests.holdfast.support import context

MAX_STEPS = 25


@dataclass
class Run:
    """What was said, called and answered, step by step."""

    steps: list[Ask] = field(default_factory=list[Ask])
    results: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])
    report: str = ""

    @property
    def answer(self) -> str:
        return self.steps[-1].say

    @property
    def called(self) -> list[str]:
        return [name for step in self.steps for name, _ in step.calls]


def toolbox(data: Path, reports: Path) -> dict[str, Tool[..., Any]]:
    return {tool.spec.name: tool for tool in make_tools(data, reports)}


async def use(tools: dict[str, Tool[..., Any]], name: str, /, **arguments: Any) -> Any:
    """Call a tool as a worker does; its result, parsed."""
    tool = tools[name]
    text = await tool.call(tool.validate(json.dumps(arguments)), context())
    try:
        return json.loads(text)
    except ValueError:
        return text


async def drive(question: str, data: Path, reports: Path) -> Run:
    """Let the offline analyst work until its last word."""
    tools, run = toolbox(data, reports), Run()
    while len(run.steps) < MAX_STEPS:
        asked = reply(analyse(question), run.results)
        run.steps.append(asked)
        if not asked.calls:
            break
        run.results += await asyncio.gather(
            *(_call(tools[name], dict(given), run) for name, given in asked.calls)
        )
    report = reports / "report.md"
    run.report = report.read_text("utf-8") if report.exists() else ""
    return run


async def _call(tool: Tool[..., Any], arguments: dict[str, Any], run: Run) -> str:
    try:
        return await tool.call(tool.validate(json.dumps(arguments)), context())
    except ToolFailed as error:
        run.failures.append(f"{tool.spec.name}: {error.detail} {arguments}")
        return error.detail
