"""Values to payloads and back: pydantic JSON that is fast, small and never fails on text.

Fast: the SDK creates a payload converter for every workflow and activation, which costs nothing here, and a
model is validated by its own compiled validator. Small: contracts omit fields that have their default, so a
default in a contract must never change, since histories rely on it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json, to_jsonable_python
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
    SerializationContext,
)

from holdfast_workflows.contracts.base import Contract

from .encryption.refusing import EncryptedConverter, RefusedConverter
from .failures import FailureConverter

_JSON: Final = {"encoding": b"json/plain"}
_SCALARS: Final = frozenset({"literal", "str", "int", "float", "bool", "none"})


class JSONConverter(EncodingPayloadConverter):
    """JSON by pydantic, also of text with lone surrogates.

    UTF-8 cannot encode a lone surrogate (half of a character, which models and files produce), so pydantic
    refuses it. The standard library writes such a value with escapes and reads it back exactly; only two
    adjacent halves become the one character they encode.
    """

    @property
    def encoding(self) -> str:
        """The name of the format in a payload's metadata."""
        return "json/plain"

    def to_payload(self, value: Any) -> Payload:
        """Encode a value."""
        try:
            if isinstance(value, Contract) and _may_omit_defaults(type(value)):
                data = value.__pydantic_serializer__.to_json(value, exclude_defaults=True)
            else:
                data = to_json(value)
        except (PydanticSerializationError, UnicodeEncodeError) as error:
            if "surrogates not allowed" not in str(error):
                raise
            data = json.dumps(value, default=_jsonable, separators=(",", ":")).encode()
        return Payload(metadata=_JSON, data=data)

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Decode a value, validated against its type hint if there is one."""
        validator = _validator(type_hint)
        try:
            return validator.validate_json(payload.data) if validator else from_json(payload.data)
        except ValueError as error:  # ValidationError is one
            if isinstance(error, ValidationError) and error.errors()[0]["type"] != "json_invalid":
                raise
            value = json.loads(payload.data)
        return validator.validate_python(value) if validator else value


class PayloadConverter(CompositePayloadConverter):
    """The SDK's conversion of None, bytes and protobuf messages; ``JSONConverter`` for everything else."""

    def __init__(self) -> None:
        """Take the converters that all instances share; they hold no state."""
        # The parent's __init__ would build the table again for each instance.
        self.converters = _CONVERTERS

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """Decode values; without type hints, a value that cannot be decoded stays raw, and its reader refuses it.

        Raises ValidationError if a value is not of its type, and ValueError, KeyError or RecursionError if a
        payload cannot be decoded.
        """
        if type_hints is not None:
            return super().from_payloads(payloads, type_hints)
        return [_decoded(self, payload) for payload in payloads]

    def with_context(self, context: SerializationContext) -> Self:
        """Itself: the conversion does not depend on the context."""
        return self


def _decoded(converter: PayloadConverter, payload: Payload) -> Any:
    encoding = converter.converters.get(payload.metadata.get("encoding", b""))
    try:
        return RawValue(payload) if encoding is None else encoding.from_payload(payload)
    except (ValueError, RuntimeError):  # RecursionError is a RuntimeError
        return RawValue(payload)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Contract):
        # Pydantic's JSON mode would replace surrogates in the keys of a dict. Contracts have no custom
        # serialisers, so the Python form is equivalent.
        return value.model_dump()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return to_jsonable_python(value)


def _validator(hint: Any) -> Any:
    """The validator of a type; None if any value is valid."""
    if hint is None or hint is Any:
        return None
    own = getattr(hint, "__pydantic_validator__", None)  # a model's
    if own is not None:
        return own
    try:
        return _adapter(hint)
    except TypeError:  # the hint cannot be hashed
        return TypeAdapter[Any](hint)


# A small cache: a sandboxed workflow's own classes are new in every run, and an adapter keeps them and their
# module in memory.
@functools.lru_cache(maxsize=128)
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


@functools.cache
def _may_omit_defaults(contract: type[Contract]) -> bool:
    """Whether values can be read back without defaults: not if a default distinguishes members of a union."""
    return not _has_union(contract.__pydantic_core_schema__)


def _has_union(schema: Any) -> bool:
    if isinstance(schema, list | tuple):
        return any(map(_has_union, cast("list[Any]", schema)))
    if not isinstance(schema, Mapping):
        return False
    part = cast("Mapping[str, Any]", schema)
    if part.get("type") == "union" and all(choice.get("type") in _SCALARS for choice in part["choices"]):
        return False
    return part.get("type") in {"union", "tagged-union"} or any(map(_has_union, part.values()))


_CONVERTERS: Final[dict[bytes, EncodingPayloadConverter]] = {
    converter.encoding.encode(): JSONConverter()
    if isinstance(converter, JSONPlainPayloadConverter)
    else converter
    for converter in (
        *DefaultPayloadConverter.default_encoding_payload_converters,
        EncryptedConverter(),
        RefusedConverter(),
    )
}

data_converter: Final = DataConverter(
    payload_converter_class=PayloadConverter, failure_converter_class=FailureConverter
)
"""The data converter of every Holdfast client and worker."""
