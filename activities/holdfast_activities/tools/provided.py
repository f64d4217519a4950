"""The functions of provided tools."""

from collections.abc import Mapping
from importlib.util import find_spec

from holdfast_activities.state.database import State
from holdfast_workflows.contracts.agent.app import ToolBinding
from holdfast_workflows.contracts.errors import SandboxUnavailable, WorkerMissing
from holdfast_workflows.contracts.teams.delegation import DelegateSettings
from holdfast_workflows.contracts.teams.handoff import HandoffSettings
from holdfast_workflows.contracts.tools.a2a import A2aSettings
from holdfast_workflows.contracts.tools.code import CodeSettings
from holdfast_workflows.contracts.tools.sources import ProvidedTool


def binding(tool: ToolBinding | ProvidedTool, state: State) -> ToolBinding:
    """The tool with a function: its own, or the one that workers provide."""
    if not isinstance(tool, ProvidedTool):
        return tool
    # Imported here: a worker without such tools does not load their libraries.
    if isinstance(tool.settings, CodeSettings):
        from .code.tool import code_tool

        return code_tool(tool.spec, tool.settings)
    if isinstance(tool.settings, DelegateSettings):
        from holdfast_activities.teams.delegate import delegate_tool

        return delegate_tool(tool.spec, tool.settings, state)
    if isinstance(tool.settings, HandoffSettings):
        from holdfast_activities.teams.handoff import handoff_tool

        return handoff_tool(tool.spec, tool.settings)
    if isinstance(tool.settings, A2aSettings):
        from .a2a.tool import a2a_tool

        return a2a_tool(tool.spec, tool.settings)
    from .http.tool import http_tool

    return http_tool(tool.spec, tool.settings)


async def check(agents: Mapping[str, Mapping[str, ToolBinding | ProvidedTool]]) -> None:
    """Check that this worker can run the code tools and reach the remote agents of its agents.

    Raises:
        WorkerMissing: A library is not installed.
        SandboxUnavailable: It cannot; the detail names the agent, the tool and the remedy.
    """
    given = [tool for tools in agents.values() for tool in tools.values() if isinstance(tool, ProvidedTool)]
    if any(isinstance(tool.settings, A2aSettings) for tool in given) and find_spec("a2a") is None:
        raise WorkerMissing('an app with remote agents needs `pip install "holdfast[a2a]"`')
    for agent, tools in agents.items():
        for name, tool in tools.items():
            if isinstance(tool, ProvidedTool) and isinstance(tool.settings, CodeSettings):
                from .code.tool import CodeRuns

                try:
                    await CodeRuns(tool.settings).checked()
                except SandboxUnavailable as error:
                    raise SandboxUnavailable(f"agent {agent}, tool {name}: {error.detail}") from None
