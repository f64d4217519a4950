"""The chain of hashes: each record's hash covers the record, its number and the hash before it.

Everything here can be computed again by anyone with the rows, in any language: a record is stored as canonical
JSON (RFC 8785), and the hash is the SHA-256, in hexadecimal, of ``{"n":N,"previous":"HASH","record":RECORD}``.
"""

import hashlib
import math
from dataclasses import dataclass

from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.text.unicode import clean, preview

FIRST = "0" * 64
"""The previous hash of a chain's first record."""

_LONGEST = 500
"""Characters of each text of a record."""

_MOST_DETAILS = 20

_TEXTS = ("action", "principal", "subject", "reason")


@dataclass(frozen=True, slots=True)
class Record:
    """A record ready to be written. ``body`` is canonical JSON; the other values are columns to search by."""

    tenant: str
    id: str
    kind: str
    session: str
    principal: str
    at: float
    body: str


def encode(record: AuditRecord) -> Record:
    """A record as it is stored, with texts shortened; BadInput if its id cannot be a key or its time is not a number."""
    import rfc8785  # not loaded by workers that record nothing

    tenant, session = clean(record.tenant), clean(record.session)
    if not record.id or len(record.id) > _LONGEST or clean(record.id) != record.id:
        raise BadInput(
            f"the id of an audit record is empty, longer than {_LONGEST} characters, or contains NUL or a lone surrogate"
        )
    if not math.isfinite(record.at):
        raise BadInput(f"the time of audit record {preview(record.id)} is not a number")
    details = {
        preview(name): preview(value, _LONGEST)
        for name, value in sorted(record.details.items())[:_MOST_DETAILS]
    }
    texts = {name: preview(getattr(record, name), _LONGEST) for name in _TEXTS}
    stored = record.model_copy(update={**texts, "tenant": tenant, "session": session, "details": details})
    body = rfc8785.dumps(stored.model_dump()).decode()
    return Record(tenant, record.id, record.kind, session, texts["principal"], record.at, body)


def digest(n: int, previous: str, body: str) -> str:
    """The hash of record ``n`` of a chain."""
    return hashlib.sha256(f'{{"n":{n},"previous":"{previous}","record":{body}}}'.encode()).hexdigest()
