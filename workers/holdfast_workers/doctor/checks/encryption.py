"""Encryption: a payload goes through the codec and back, and does not show its content."""

from __future__ import annotations

import uuid

from ..examined import Examined
from ..findings import Finding, failed, ok, warning


async def check(examined: Examined) -> Finding:
    """Encode and decode a text as clients and workers do."""
    connection = examined.settings.connection()
    if connection.keyring() is None:
        return warning("payloads and content are not encrypted", "set HOLDFAST_KEYS; see docs/encryption.md")
    converter, secret = connection.converter(), f"secret-{uuid.uuid4().hex}"
    (payload,) = await converter.encode([secret])
    if secret.encode() in payload.data:
        return failed("an encoded payload shows its content", "do not use this build; report it")
    if await converter.decode([payload], [str]) != [secret]:
        return failed("a payload does not come back as it was", "compare HOLDFAST_KEYS of all processes")
    key = payload.metadata.get("encryption-key-id", b"").decode()
    return ok(f"a payload was encrypted{f' by key {key}' if key else ''} and decrypted")
