"""The functions of provided tools."""

from holdfast_workflows.contracts.agent.app import ToolBinding
from holdfast_workflows.contracts.tools.sources import ProvidedTool


def binding(tool: ToolBinding | ProvidedTool) -> ToolBinding:
    """The tool with a function: its own, or the one that workers provide."""
    if not isinstance(tool, ProvidedTool):
        return tool
    # Imported here: a worker without such tools does not load their libraries.
    from .http.tool import http_tool

    return http_tool(tool.spec, tool.settings)
