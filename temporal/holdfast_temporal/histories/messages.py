"""Every message within a protobuf message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


def within(message: Message, kind: type[M]) -> Iterator[M]:
    """Yield the messages of a kind within a message, itself included; they can be changed in place."""
    if isinstance(message, kind):
        yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for each in _messages(value):
            yield from within(each, kind)


def _messages(value: Any) -> Iterable[Message]:
    """The messages of a field: of one, of a list, or the values of a map."""
    if isinstance(value, Message):
        return (value,)
    # A map has the method `values`, a list does not.
    found: Iterable[Any] = value.values() if hasattr(value, "values") else value
    return [each for each in found if isinstance(each, Message)]
