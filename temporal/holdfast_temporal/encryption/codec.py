"""Payloads to encrypted payloads and back, for one namespace.

The whole payload is encrypted, with its metadata. The namespace is authenticated, so a payload that was copied to
another namespace does not decrypt there, even under the same keys. Search attributes never reach a codec: the
server must read them.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from typing import Final

from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter, PayloadCodec
from temporalio.converter import PayloadConverter as AnyPayloadConverter

from holdfast_workflows.contracts.errors import (
    ClearRefused,
    DecryptionFailed,
    InvalidCredential,
    NoIdentityProvider,
    NotPermitted,
    SessionNotFound,
)
from holdfast_workflows.contracts.text.unicode import preview

from ..failures import FailureConverter
from .keyring import Keyring
from .refusing import ENCRYPTED, KEY_ID, refused

PURPOSE: Final = "payload"
_LARGE: Final = 256 * 1024
"""Bytes from which payloads are encrypted in a thread. Below, a thread costs more than it saves."""

_CLEAR: Final = frozenset(
    each.code for each in (SessionNotFound, InvalidCredential, NotPermitted, NoIdentityProvider)
)
"""Types of failures that keep their text, which names no more than a session and roles. The answer of a refused query
has nothing but the text of its failure, by which clients tell why."""

_ENCODED: Final = "Encoded failure"
"""The SDK's message of a failure whose text is in a payload."""


class EncryptionCodec(PayloadCodec):
    """Encrypts and decrypts the payloads of one namespace."""

    def __init__(self, keyring: Keyring, namespace: str, *, accept_clear: bool = False) -> None:
        """``accept_clear`` passes on payloads that are not encrypted, such as those older than the keys."""
        self._keyring = keyring
        self._context = f"namespace {namespace}".encode()
        self._accept_clear = accept_clear

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt payloads."""
        return await _each(self.encrypt, payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt payloads. For one that will never be readable, the converter raises.

        Raises:
            KeyUnknown: A key is missing; it may come, so Temporal retries.
        """
        return await _each(self._decrypt_or_refuse, payloads)

    def encrypt(self, payload: Payload) -> Payload:
        """Encrypt a payload."""
        id, data = self._keyring.encrypt(PURPOSE, payload.SerializeToString(), self._context)
        return Payload(metadata={"encoding": ENCRYPTED, KEY_ID: id.encode()}, data=data)

    def decrypt(self, payload: Payload) -> Payload:
        """Decrypt a payload.

        Raises:
            ClearRefused: It is not encrypted.
            KeyUnknown: Its key is missing.
            DecryptionFailed: It belongs to another namespace, or was changed.
        """
        metadata = payload.metadata
        if metadata.get("encoding") != ENCRYPTED:
            if self._accept_clear:
                return payload
            encoding = metadata.get("encoding", b"").decode(errors="replace")
            raise ClearRefused(f"a payload of the encoding {preview(encoding, 64)!r}")
        id = metadata.get(KEY_ID, b"").decode(errors="replace")
        try:
            return Payload.FromString(self._keyring.decrypt(PURPOSE, id, payload.data, self._context))
        except DecodeError:
            raise DecryptionFailed(f"key {id!r}: the content is not a payload") from None

    def _decrypt_or_refuse(self, payload: Payload) -> Payload:
        try:
            return self.decrypt(payload)
        except (ClearRefused, DecryptionFailed) as error:
            return refused(error)


class EncodedFailureConverter(FailureConverter):
    """Failures whose message and stack trace are in a payload, which the codec encrypts."""

    def to_failure(
        self, exception: BaseException, payload_converter: AnyPayloadConverter, failure: Failure
    ) -> None:
        """Fill in the failure, then move its text and that of its causes."""
        super().to_failure(exception, payload_converter, failure)
        level: Failure | None = failure
        while level is not None:
            if level.application_failure_info.type in _CLEAR:
                return
            # A failure that was received and is sent on has clear text at every level: the SDK decoded it in place.
            if level.message != _ENCODED or not level.HasField("encoded_attributes"):
                text = {"message": level.message, "stack_trace": level.stack_trace}
                level.encoded_attributes.CopyFrom(payload_converter.to_payloads([text])[0])
                level.message, level.stack_trace = _ENCODED, ""
            level = level.cause if level.HasField("cause") else None


def encrypted(
    converter: DataConverter, keyring: Keyring, namespace: str, *, accept_clear: bool = False
) -> DataConverter:
    """The data converter, with encryption."""
    return dataclasses.replace(
        converter,
        payload_codec=EncryptionCodec(keyring, namespace, accept_clear=accept_clear),
        failure_converter_class=EncodedFailureConverter,
    )


async def _each(work: Callable[[Payload], Payload], payloads: Sequence[Payload]) -> list[Payload]:
    if sum(len(payload.data) for payload in payloads) < _LARGE:
        return [work(payload) for payload in payloads]
    return await asyncio.to_thread(lambda: [work(payload) for payload in payloads])
