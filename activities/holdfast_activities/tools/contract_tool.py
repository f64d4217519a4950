"""A tool whose arguments are a contract."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from holdfast_workflows.contracts.agent.app import BEGIN, ToolContext
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.errors import EffectUnknown, ToolArgumentsInvalid
from holdfast_workflows.contracts.text import model_json
from holdfast_workflows.contracts.text.unicode import preview

_PROBLEMS: Final = 3
"""Invalid arguments that an error message names."""


class ContractTool:
    """A ``ToolBinding``: ``function`` gets the arguments as a ``shape``."""

    def __init__(
        self, spec: ToolSpec, shape: type[Contract], function: Callable[[Any, ToolContext], Awaitable[str]]
    ) -> None:
        self.spec = spec
        self._reader = model_json.Reader(shape)
        self._function = function

    def validate(self, arguments: str) -> dict[str, Any]:
        """Parse arguments; they arrive in ``call`` as ``asked``."""
        try:
            return {"asked": self._reader.read(arguments.strip() or "{}")}
        except ValidationError as error:
            raise ToolArgumentsInvalid(_explained(error)) from None
        except (ValueError, RecursionError) as error:
            raise ToolArgumentsInvalid(f"the arguments are not valid JSON: {preview(str(error))}") from None

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """Run the tool."""
        BEGIN.get()()
        return await self._function(arguments["asked"], context)

    async def probe(self, arguments: Mapping[str, Any], context: ToolContext) -> str | None:
        """These tools have no probe."""
        raise EffectUnknown(f"tool {self.spec.name!r} has no probe")


def _explained(error: ValidationError) -> str:
    """The first problems, as a message for the model."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [
        f"{preview('.'.join(map(str, problem['loc']))) or 'arguments'}: {preview(problem['msg'])}"
        for problem in problems[:_PROBLEMS]
    ]
    return "; ".join(lines)
