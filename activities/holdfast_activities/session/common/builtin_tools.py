"""The implementation of Holdfast's built-in tools."""

from collections.abc import Awaitable, Callable
from typing import Any

from holdfast_activities.memory.memories import Memories
from holdfast_activities.memory.outbox.applying import Applying
from holdfast_activities.state.base import Log
from holdfast_activities.state.coordination.boards import BoardStore
from holdfast_activities.tools.contract_tool import ContractTool
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent import builtin_tools
from holdfast_workflows.contracts.agent.app import ToolBinding, ToolContext
from holdfast_workflows.contracts.agent.memory import Notes, Plan
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.errors import ToolArgumentsInvalid, ToolFailed
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.session.entries import ResultEntry, UserEntry
from holdfast_workflows.contracts.text.unicode import size

from .board_tools import board_tool
from .memory_tools import MemoryTools

_KEPT = frozenset({names.UPDATE_PLAN, names.WRITE_NOTES, names.HAND_OVER})


class BuiltinTool(ContractTool):
    """A built-in tool."""

    def validate(self, arguments: str) -> dict[str, Any]:
        asked = super().validate(arguments)
        if self.spec.name in _KEPT and size(arguments) > INLINE_TEXT:
            # The workflow stores them, so they go into its history.
            raise ToolArgumentsInvalid(
                f"{size(arguments):,} bytes are too long; keep to {INLINE_TEXT:,} and leave out what is done"
            )
        return asked


class BuiltinTools:
    """Makes the built-in tools of agents."""

    def __init__(self, log: Log, boards: BoardStore, memories: Memories | None, applying: Applying) -> None:
        self._log = log
        self._boards = boards
        self._memories = memories
        self._applying = applying

    def of(self, agent: AgentSpec) -> dict[str, ToolBinding]:
        """The built-in tools that the spec names, by name."""
        memory = MemoryTools(agent.memory, self._memories, self._applying)
        functions: dict[str, tuple[type[Contract], Callable[[Any, ToolContext], Awaitable[str]]]] = {
            names.READ_MORE: (builtin_tools.ReadMore, self._read_more),
            names.UPDATE_PLAN: (Plan, _plan),
            names.WRITE_NOTES: (Notes, _notes),
            names.SEARCH_TOOL: (builtin_tools.SearchMemory, memory.search),
            names.REMEMBER: (builtin_tools.Remember, memory.remember),
            names.FORGET: (builtin_tools.Forget, memory.forget),
            names.HAND_OVER: (builtin_tools.HandOver, _hand_over),
        }
        found: dict[str, ToolBinding] = {
            spec.name: BuiltinTool(spec, *functions[spec.name])
            for spec in agent.tools
            if spec.name in functions
        }
        return found | {spec.name: board_tool(spec, self._boards) for spec in agent.tools if spec.board}

    async def _read_more(self, asked: builtin_tools.ReadMore, context: ToolContext) -> str:
        found = await self._log.read(context.session, asked.result, asked.result + 1)
        if not found or not isinstance(found[0], ResultEntry | UserEntry):
            raise ToolFailed(f"no tool result or message has number {asked.result}", retryable=False)
        text = found[0].text
        stop = min(asked.offset + asked.length, len(text))
        if asked.offset >= len(text):
            return f"[nothing more: it has {len(text):,} characters]"
        left = len(text) - stop
        rest = f"{left:,} are left, from offset={stop} on" if left else "this is the end"
        return f"{text[asked.offset : stop]}\n[characters {asked.offset} to {stop} of {len(text)}; {rest}]"


async def _plan(plan: Plan, _: ToolContext) -> str:
    done = sum(item.status in {"done", "dropped"} for item in plan.items)
    return f"plan kept: {done} of {len(plan.items)} done"


async def _hand_over(_asked: builtin_tools.HandOver, _: ToolContext) -> str:
    return "a person replies from now on"


async def _notes(notes: Notes, _: ToolContext) -> str:
    return f"notes kept: {len(notes.text):,} characters" if notes.text else "notes cleared"
