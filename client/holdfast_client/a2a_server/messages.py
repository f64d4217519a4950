"""What clients send: texts for the agent, and answers to what waits for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from a2a.types import Message, Part
from a2a.utils.errors import ContentTypeNotSupportedError, InvalidParamsError
from google.protobuf.json_format import MessageToDict

from holdfast_workflows.contracts.control.inbox import AnswerAction, InboxItem
from holdfast_workflows.contracts.text.unicode import dump_json

_ACTIONS: Final[tuple[AnswerAction, ...]] = ("approve", "reject", "confirm", "retry", "give_up", "give_back")


def text_of(message: Message) -> str:
    """The text that the agent reads; structured parts as JSON.

    Raises:
        ContentTypeNotSupportedError: A part is a file.
        InvalidParamsError: The message has no text.
    """
    text = "\n\n".join(_text(part) for part in message.parts).strip()
    if not text:
        raise InvalidParamsError("the message has no text; send a text part or a data part")
    return text


def _text(part: Part) -> str:
    kind = part.WhichOneof("content")
    if kind == "text" and (not part.media_type or part.media_type.startswith("text/")):
        return part.text
    if kind == "data":
        return dump_json(_data(part))
    what = part.media_type or kind or "an empty part"
    raise ContentTypeNotSupportedError(f"the agent does not read {what}; send text or data parts")


def _data(part: Part) -> Any:
    return MessageToDict(part.data)


@dataclass(frozen=True, slots=True)
class Given:
    """An answer to an item of the inbox."""

    action: AnswerAction
    text: str = ""
    arguments: dict[str, Any] | None = None


def answer_of(parts: Sequence[Part], item: InboxItem) -> Given:
    """Read the answer to an item: a data part with an ``action``, the name of an action, or what was asked for.

    Raises:
        InvalidParamsError: The item has no such action, or the answer cannot be understood.
    """
    data = [_data(part) for part in parts if part.WhichOneof("content") == "data"]
    if data and isinstance(data[0], dict) and "action" in data[0]:
        return _checked(item, cast("dict[str, Any]", data[0]))
    text = dump_json(data[0]) if data else "\n\n".join(_text(part) for part in parts).strip()
    action = next((each for each in _ACTIONS if each == text.lower()), None)
    if action is not None and action in item.actions and action != "confirm":
        return Given(action)
    if text and "confirm" in item.actions:
        return Given("confirm", text)
    raise InvalidParamsError(f"the message does not answer the question; {_how(item)}")


def _checked(item: InboxItem, data: dict[str, Any]) -> Given:
    action, text, arguments = data["action"], data.get("text", ""), data.get("arguments")
    known = next((each for each in _ACTIONS if each == action), None)
    if known is None or known not in item.actions:
        raise InvalidParamsError(f"the action {action!r} does not fit the question; {_how(item)}")
    if not isinstance(text, str) or not (arguments is None or isinstance(arguments, dict)):
        raise InvalidParamsError("'text' of an answer is a string, and 'arguments' is an object")
    return Given(known, text, cast("dict[str, Any] | None", arguments))


def _how(item: InboxItem) -> str:
    return f'send a data part {{"action": …}} with one of {", ".join(item.actions) or "no action"}'
