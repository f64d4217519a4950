"""Values to payloads and back: pydantic JSON that is quick, small and never fails on text.

Quick, because the SDK makes a new payload converter for every workflow and every
activation: here making one costs nothing, and a model is validated by its own compiled
validator. Small, because contracts leave out fields that have their default; a default
in a contract may therefore never change, since histories rely on it.
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

from .failures import FailureConverter

_JSON: Final = {"encoding": b"json/plain"}
_SCALARS: Final = frozenset({"literal", "str", "int", "float", "bool", "none"})


class JSONConverter(EncodingPayloadConverter):
    """Everything that pydantic can turn into JSON, and anything with a lone surrogate in it.

    UTF-8 cannot hold a lone surrogate (half of a character, as models and files produce
    them), so pydantic refuses it both ways. Such a value is written with escapes and read
    by the standard library, and comes back as it was; only two halves that happen to
    stand side by side come back as the one character they spell.
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
        except ValueError as error:  # pydantic's ValidationError is one, too
            if isinstance(error, ValidationError) and error.errors()[0]["type"] != "json_invalid":
                raise
            value = json.loads(payload.data)
        return validator.validate_python(value) if validator else value


class PayloadConverter(CompositePayloadConverter):
    """None, bytes and protobuf messages as the SDK does them, everything else by ``JSONConverter``."""

    def __init__(self) -> None:
        """Take the converters that all instances share; they hold no state."""
        # The parent's __init__ would build the table again for each instance.
        self.converters = _CONVERTERS

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """Decode values; without type hints what cannot be decoded is left as it came, for its reader to refuse.

        Raises:
            ValidationError: A value is not of its type.
            ValueError, KeyError, RecursionError: A payload cannot be decoded.
        """
        if type_hints is not None:
            return super().from_payloads(payloads, type_hints)
        return [_decoded(self, payload) for payload in payloads]

    def with_context(self, context: SerializationContext) -> Self:
        """Itself: nothing here depends on where a value travels."""
        return self


def _decoded(converter: PayloadConverter, payload: Payload) -> Any:
    encoding = converter.converters.get(payload.metadata.get("encoding", b""))
    try:
        return RawValue(payload) if encoding is None else encoding.from_payload(payload)
    except (ValueError, RuntimeError):  # a RecursionError, too
        return RawValue(payload)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Contract):
        # Pydantic's JSON mode would replace surrogates in the keys of a dict; contracts
        # have no serialisers of their own, so their Python form says the same.
        return value.model_dump()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return to_jsonable_python(value)


def _validator(hint: Any) -> Any:
    """What validates values of that type; None where any value will do."""
    if hint is None or hint is Any:
        return None
    own = getattr(hint, "__pydantic_validator__", None)  # a model's
    if own is not None:
        return own
    try:
        hash(hint)
    except TypeError:
        return _new_adapter(hint)
    return _adapter(hint)


def _new_adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


@functools.lru_cache(maxsize=128)
def _adapter(hint: Any) -> TypeAdapter[Any]:
    # Few, since a sandboxed workflow's own classes are new in every run and an adapter
    # keeps them, with their module, in memory.
    return _new_adapter(hint)


@functools.cache
def _may_omit_defaults(contract: type[Contract]) -> bool:
    """Whether values can be read back without their defaults: not if a default tells a union's members apart."""
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
    for converter in DefaultPayloadConverter.default_encoding_payload_converters
}

data_converter: Final = DataConverter(
    payload_converter_class=PayloadConverter, failure_converter_class=FailureConverter
)
"""What every Holdfast client and worker uses."""
