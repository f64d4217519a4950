"""The implementation of Holdfast's built-in tools."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from holdfast_activities.state.base import Log
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent import builtin_tools
from holdfast_workflows.contracts.agent.app import ToolBinding, ToolContext
from holdfast_workflows.contracts.agent.memory import Notes, Plan
from holdfast_workflows.contracts.agent.spec import AgentSpec, ToolSpec
from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.errors import EffectUnknown, ToolArgumentsInvalid, ToolFailed
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.session.entries import ResultEntry, UserEntry
from holdfast_workflows.contracts.text import model_json
from holdfast_workflows.contracts.text.unicode import preview, size

from .memory_tools import MemoryTools

_PROBLEMS = 3

T = TypeVar("T", bound=Contract)


class BuiltinTool:
    """A built-in tool; a ``ToolBinding``."""

    def __init__(
        self, spec: ToolSpec, shape: type[T], function: Callable[[T, ToolContext], Awaitable[str]]
    ) -> None:
        self.spec = spec
        self._reader: model_json.Reader[Contract] = model_json.Reader(shape)
        self._function: Callable[[Any, ToolContext], Awaitable[str]] = function

    def validate(self, arguments: str) -> dict[str, Any]:
        """Parse the arguments."""
        try:
            asked = self._reader.read(arguments.strip() or "{}")
        except ValidationError as error:
            raise ToolArgumentsInvalid(_explained(error)) from None
        except (ValueError, RecursionError) as error:
            raise ToolArgumentsInvalid(f"the arguments are not valid JSON: {preview(str(error))}") from None
        if self.spec.name in _KEPT and size(arguments) > INLINE_TEXT:
            # The workflow stores them, so they go into its history.
            raise ToolArgumentsInvalid(
                f"{size(arguments):,} bytes are too long; keep to {INLINE_TEXT:,} and leave out what is done"
            )
        return {"asked": asked}

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """Run the tool."""
        return await self._function(arguments["asked"], context)

    async def probe(self, arguments: Mapping[str, Any], context: ToolContext) -> str | None:
        """Fail: built-in tools need no probe, because those with an effect are idempotent."""
        raise EffectUnknown(f"tool {self.spec.name!r} has no probe")


_KEPT = frozenset({names.UPDATE_PLAN, names.WRITE_NOTES})


class BuiltinTools:
    """Makes the built-in tools of agents."""

    def __init__(self, log: Log, memories: MemoryTools) -> None:
        self._log = log
        self._memories = memories

    def of(self, agent: AgentSpec) -> dict[str, ToolBinding]:
        """The built-in tools that the spec names, by name."""
        return {spec.name: self._bound(spec, agent) for spec in agent.tools if spec.name in names.OWN_TOOLS}

    def _bound(self, spec: ToolSpec, agent: AgentSpec) -> ToolBinding:
        memories = self._memories.of(agent)
        match spec.name:
            case names.READ_MORE:
                return BuiltinTool(spec, builtin_tools.ReadMore, self._read_more)
            case names.UPDATE_PLAN:
                return BuiltinTool(spec, Plan, _plan)
            case names.WRITE_NOTES:
                return BuiltinTool(spec, Notes, _notes)
            case names.SEARCH_TOOL:
                return BuiltinTool(spec, builtin_tools.SearchMemory, memories.search)
            case names.REMEMBER:
                return BuiltinTool(spec, builtin_tools.Remember, memories.remember)
            case _:
                return BuiltinTool(spec, builtin_tools.Forget, memories.forget)

    async def _read_more(self, asked: builtin_tools.ReadMore, context: ToolContext) -> str:
        found = await self._log.read(context.session, asked.result, asked.result + 1)
        if not found or not isinstance(found[0], ResultEntry | UserEntry):
            raise ToolFailed(
                f"there is no tool result or message with number {asked.result}", retryable=False
            )
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


async def _notes(notes: Notes, _: ToolContext) -> str:
    return f"notes kept: {len(notes.text):,} characters" if notes.text else "notes cleared"


def _explained(error: ValidationError) -> str:
    """The first problems, as a message for the model."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [
        f"{preview('.'.join(map(str, problem['loc']))) or 'arguments'}: {preview(problem['msg'])}"
        for problem in problems[:_PROBLEMS]
    ]
    return "; ".join(lines)
