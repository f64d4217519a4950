"""The reply of a turn."""

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Self, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    field_serializer,
    model_validator,
)
from pydantic_core import to_jsonable_python
from typing_extensions import TypeVar

from holdfast_workflows.contracts.agent.output import OutputShape
from holdfast_workflows.contracts.errors import HoldfastError, OutputInvalid
from holdfast_workflows.contracts.problems import Problem, error_of, problem_of
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import TurnView
from holdfast_workflows.contracts.session.steps import TurnStatus
from holdfast_workflows.contracts.text.final_reply import bare
from holdfast_workflows.contracts.text.model_json import Reader, parse
from holdfast_workflows.contracts.text.unicode import clean, cleaned, preview

OutT = TypeVar("OutT", default=Any)
"""The type of ``Reply.output``."""

JsonText = Annotated[str, PlainSerializer(clean, return_type=str, when_used="json")]
"""Text whose JSON form has U+FFFD for NUL and lone surrogates, which JSON readers refuse."""


def _read_error(value: object) -> HoldfastError:
    return value if isinstance(value, HoldfastError) else error_of(Problem.model_validate(value))


JsonError = Annotated[
    HoldfastError,
    PlainValidator(_read_error, json_schema_input_type=Problem),
    PlainSerializer(problem_of, return_type=Problem),
]
"""An error whose JSON form has its code, message, detail and id, and whether to try again."""


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


@public
class Reply(BaseModel, Generic[OutT]):
    """The reply of a turn.

    Attributes:
        text: The model's full final text.
        turn: The turn, from 1.
        status: ``done``, ``failed`` or ``cancelled`` once the turn has ended.
        output: The value of the output type, which the agent or the start of the session gave; without
            one the text. None until the turn is done, and if ``error`` is set.
        steps: Model calls taken.
        usage: Tokens, and cost in US dollars.
        seconds: How long the turn took.
        error: Set if the turn failed or was cancelled, and if its text does not fit the output type. Its
            ``id`` can be quoted by users; ``retryable`` and ``retry_after`` say whether and when a retry
            may help.
        paused: Whether the session was paused when it queued the message; the turn begins after
            ``resume``.
    """

    model_config = ConfigDict(frozen=True)

    text: JsonText
    turn: int
    status: TurnStatus
    output: OutT = cast("Any", None)
    steps: int = 0
    usage: Usage = Usage()
    seconds: float = 0.0
    error: JsonError | None = None
    paused: bool = False

    @property
    def cost(self) -> float:
        """US dollars."""
        return self.usage.cost

    def check(self) -> Self:
        """Return the reply; raise its error if there is one."""
        if self.error is not None:
            raise self.error
        return self

    def __str__(self) -> str:
        return self.text

    @field_serializer("output", when_used="json")
    def _output_as_json(self, value: Any) -> Any:
        """Return None for text, which ``text`` has already."""
        return None if isinstance(value, str) else cleaned(to_jsonable_python(value))

    @model_validator(mode="after")
    def _text_is_output(self) -> Self:
        if self.output is None and self.error is None and self.status == "done":
            vars(self)["output"] = self.text  # not by assignment, which a frozen model refuses
        return self


def reply_of(view: TurnView, text: str, output: Output[OutT]) -> Reply[OutT]:
    """Return the reply of a turn, given its view and full text."""
    error: HoldfastError | None = error_of(view.error) if view.error else None
    value: Any = None
    if error is None and view.status == "done":
        try:
            value = output.read(text, structured=view.structured)
        except OutputInvalid as invalid:
            error = invalid
    return Reply(
        text=text,
        turn=view.turn,
        status=view.status,
        output=value,
        steps=view.steps,
        usage=view.usage,
        seconds=max(0.0, view.ended - view.started),
        error=error,
    )
