"""The output type of a session's final replies, and agents as the client sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Protocol, cast

from typing_extensions import TypeVar

from holdfast_workflows.contracts.agent.output import OutputShape
from holdfast_workflows.contracts.errors import BadInput, OutputInvalid
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.text.final_reply import bare
from holdfast_workflows.contracts.text.model_json import Reader, parse
from holdfast_workflows.contracts.text.unicode import preview

OutT = TypeVar("OutT", default=Any)
"""The type of ``Reply.output``."""

OutT_co = TypeVar("OutT_co", default=Any, covariant=True)


@public
class DeclaredAgent(Protocol[OutT_co]):
    """An agent as the client needs it: ``holdfast.Agent``, which the client does not import."""

    @property
    def name(self) -> str:
        """The agent's name."""
        ...

    @property
    def output_type(self) -> type[OutT_co] | Mapping[str, Any] | None:
        """The type of its final replies; None for text."""
        ...


class Output(Generic[OutT]):
    """Reads final replies as values of an output type, or as text without one."""

    def __init__(self, shape: OutputShape | None = None) -> None:
        """Without a ``shape``, JSON of an agent's own output type becomes a dict."""
        self._reader: Reader[Any] | None = None
        if shape is not None:
            self._reader = Reader(cast("type[Any]", dict[str, Any] if isinstance(shape, Mapping) else shape))

    def read(self, text: str, *, structured: bool) -> Any:
        """Return the value of a final reply; ``structured`` if the agent has an output type.

        Raises:
            OutputInvalid: The text does not fit the output type.
        """
        try:
            if self._reader is not None:
                return self._reader.read(bare(text))
            return parse(bare(text)) if structured else text
        except (ValueError, RecursionError) as error:
            if self._reader is None:
                return text  # a person's answer, for example
            raise OutputInvalid(preview(str(error))) from error


def name_and_shape(agent: object, given: OutputShape | None) -> tuple[str, OutputShape | None]:
    """Return an agent's name and the output type: the one given, or the agent's own.

    Raises:
        BadInput: ``agent`` is neither a name nor an agent.
    """
    if isinstance(agent, str):
        name: object = agent
    else:
        name = getattr(agent, "name", None)
        given = getattr(agent, "output_type", None) if given is None else given
    if not isinstance(name, str):
        raise BadInput(f"agent={agent!r} is neither an Agent nor the name of one; give one of them")
    if not name:
        raise BadInput("the agent's name is empty; give the name of an agent that the workers serve")
    return name, given
