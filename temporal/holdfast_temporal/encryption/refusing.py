"""Encrypted payloads that are not readable, as the converter sees them.

The codec cannot raise for a payload that will never be readable: Temporal would retry the workflow task forever, so
one bad signal would stop a session. It passes on a marked payload instead. The converter raises for it, and what
was sent is refused like any input of a wrong shape.
"""

from __future__ import annotations

from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.converter import EncodingPayloadConverter

from holdfast_workflows.contracts.errors import ClearRefused, DecryptionFailed, EncryptionError, KeysMissing

ENCRYPTED: Final = b"binary/encrypted"
"""The encoding of an encrypted payload, the one that Temporal's samples use."""

KEY_ID: Final = "encryption-key-id"
"""Metadata of an encrypted payload: the id of its key."""

_REFUSED: Final = b"binary/refused"
_ERROR: Final = "error"
_ERRORS: Final[dict[bytes, type[EncryptionError]]] = {
    error.code.encode(): error for error in (ClearRefused, DecryptionFailed)
}


def refused(error: EncryptionError) -> Payload:
    """A payload for which the converter raises the error, ClearRefused or DecryptionFailed."""
    metadata = {"encoding": _REFUSED, _ERROR: error.code.encode()}
    return Payload(metadata=metadata, data=error.detail.encode())


class RefusedConverter(EncodingPayloadConverter):
    """Raises for payloads that ``refused`` made."""

    @property
    def encoding(self) -> str:
        """The name of the format in a payload's metadata."""
        return _REFUSED.decode()

    def to_payload(self, value: Any) -> Payload | None:
        """None: no value has this format."""
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Raise the payload's error."""
        error = _ERRORS.get(payload.metadata.get(_ERROR, b""), DecryptionFailed)
        raise error(payload.data.decode(errors="replace"))


class EncryptedConverter(EncodingPayloadConverter):
    """Raises KeysMissing for an encrypted payload, which reaches the converter only without a codec."""

    @property
    def encoding(self) -> str:
        """The name of the format in a payload's metadata."""
        return ENCRYPTED.decode()

    def to_payload(self, value: Any) -> Payload | None:
        """None: the codec encrypts, not the converter."""
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Raise KeysMissing; ValueError for what no key can decrypt."""
        if KEY_ID not in payload.metadata:
            raise ValueError(f"Unknown payload encoding {self.encoding}")
        raise KeysMissing
