"""Payloads and failures without encryption, as far as this process has the keys."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter

from holdfast_workflows.contracts.errors import EncryptionError

from ..encryption.refusing import ENCRYPTED
from .messages import within

_TEXTS: Final = ("message", "stack_trace")


async def clear(message: Message, converter: DataConverter) -> bool:
    """Decrypt every payload within a message in place; False if keys are missing for some, which stay encrypted.

    The texts of failures, which encryption moves into a payload, are moved back.
    """
    complete = True
    for payload in list(within(message, Payload)):
        if payload.metadata.get("encoding") != ENCRYPTED:
            continue
        if converter.payload_codec is None:
            complete = False
            continue
        try:
            [found] = await converter.payload_codec.decode([payload])
        except EncryptionError:
            complete = False
        else:
            payload.CopyFrom(found)
    for failure in list(within(message, Failure)):
        if failure.HasField("encoded_attributes"):
            _move_back(failure, converter)
    return complete


def _move_back(failure: Failure, converter: DataConverter) -> None:
    texts = value_of(failure.encoded_attributes, converter)
    if isinstance(texts, dict):
        for name in _TEXTS:
            setattr(failure, name, str(texts.get(name, "")))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # JSON
        failure.ClearField("encoded_attributes")


def value_of(payload: Payload, converter: DataConverter) -> Any:
    """Return the value of a clear payload as JSON data; None if it cannot be read."""
    try:
        [value] = converter.payload_converter.from_payloads([payload])
    except (ValueError, KeyError, RuntimeError, EncryptionError):
        return None
    return value
