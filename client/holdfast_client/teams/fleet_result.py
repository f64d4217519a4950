"""The result of one item of a fleet."""

from typing import Any, Generic, Self, cast

from pydantic import BaseModel, ConfigDict, field_serializer
from pydantic_core import to_jsonable_python

from holdfast_client.reply import JsonError, JsonText, Output, OutT
from holdfast_workflows.contracts.errors import HoldfastError, OutputInvalid
from holdfast_workflows.contracts.problems import error_of
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.teams.fleets import FleetItem, ItemStatus
from holdfast_workflows.contracts.text.unicode import cleaned


@public
class FleetResult(BaseModel, Generic[OutT]):
    """The result of one item.

    Attributes:
        id: The item's id; its number from 1, if it has none of its own.
        status: ``pending``, ``running``, ``done``, ``failed`` or ``cancelled``.
        text: The model's full final text.
        output: The value of the output type; without one the text. None unless the item is done.
        error: Set if the item failed, and if its text does not fit the output type.
        session: The id of its session, for ``client.session(…)``; empty before it has started.
        attempts: How often it was tried.
        usage: Tokens and cost of the last attempt.
        seconds: How long the last attempt took.
    """

    model_config = ConfigDict(frozen=True)

    id: JsonText
    status: ItemStatus
    text: JsonText = ""
    output: OutT = cast("Any", None)
    error: JsonError | None = None
    session: str = ""
    attempts: int = 0
    usage: Usage = Usage()
    seconds: float = 0.0

    def check(self) -> Self:
        """Return the result; raise its error if there is one."""
        if self.error is not None:
            raise self.error
        return self

    @field_serializer("output", when_used="json")
    def _output_as_json(self, value: Any) -> Any:
        """Return None for text, which ``text`` has already."""
        return None if isinstance(value, str) else cleaned(to_jsonable_python(value))


def result_of(
    item: FleetItem,
    status: ItemStatus,
    attempts: int,
    *,
    text: str,
    output: Output[OutT],
    structured: bool,
    error: HoldfastError | None,
) -> FleetResult[OutT]:
    """Return the result of an item whose ``status`` the fleet has."""
    value: Any = None
    if error is None and item.error is not None and status == "failed":
        error = error_of(item.error)
    if status == "done":
        try:
            value = output.read(text, structured=structured)
        except OutputInvalid as invalid:
            error = invalid
    return FleetResult(
        id=item.id,
        status=status,
        text=text if status == "done" or status == "failed" else "",
        output=value,
        error=error,
        session=item.session,
        attempts=attempts,
        usage=item.usage,
        seconds=item.seconds,
    )
