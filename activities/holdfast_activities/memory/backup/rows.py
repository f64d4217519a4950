"""Memories as rows of a backup.

A body is encrypted like a text of the state database, and a vector like one of a store. Vectors have the precision
of the embedded store, 16 bits a number.
"""

import binascii
import json
from dataclasses import fields
from typing import Any, Final

import numpy as np

from holdfast_activities.state.encryption.cipher import Cipher
from holdfast_workflows.contracts.errors import BackupDamaged

from ..base import Record

_PLACE: Final = "backup.memory"
_FLOAT16: Final = np.dtype("<f2")
_FLOATS: Final = frozenset({"at", "importance", "expires", "used"})
_FIELDS: Final = tuple(each.name for each in fields(Record) if each.name not in {"id", "vector"})


def to_row(tenant: str, record: Record, cipher: Cipher) -> tuple[Any, ...]:
    """Convert a memory to a row: tenant, id, body, vector."""
    values = {name: getattr(record, name) for name in _FIELDS}
    body = json.dumps({name: float(each) if name in _FLOATS else each for name, each in values.items()})
    vector = None if record.vector is None else cipher.seal(record.vector.astype(_FLOAT16).tobytes())
    return tenant, record.id, cipher.encrypt(body, _PLACE, tenant, record.id), vector


def from_row(row: Any, cipher: Cipher) -> tuple[str, Record]:
    """Return the tenant and the memory of a row.

    Raises:
        BackupDamaged: It is not a row of a memory.
        EncryptionError: It does not decrypt with these keys.
    """
    try:
        tenant, id, body, sealed = row
        values = json.loads(cipher.decrypt(body, _PLACE, tenant, id))
        values["sources"] = tuple(values["sources"])
        vector = None if sealed is None else np.frombuffer(cipher.unseal(sealed), _FLOAT16).astype(np.float32)
        return tenant, Record(id=id, vector=vector, **values)
    except (ValueError, TypeError, KeyError, binascii.Error) as error:
        raise BackupDamaged(f"a memory cannot be read: {error}") from error
