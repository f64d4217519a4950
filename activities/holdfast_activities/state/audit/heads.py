"""Heads of chains, signed one by one and in the documents that are exported."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from holdfast_activities.signing.keys import Signed, SigningKeys
from holdfast_workflows.contracts.errors import BadInput

from ..setup.tables import AuditHeadTable
from .appending import Sign

_HEAD: Final = "audit-head"
_EXPORT: Final = "audit-export"
"""The purposes of the signatures."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last record of a tenant's chain at some time, with the signature of its tenant, number and hash."""

    tenant: str
    n: int
    hash: str
    key: str
    signature: str

    @classmethod
    def of(cls, row: AuditHeadTable) -> "Head":
        """The head of a row."""
        return cls(row.tenant, row.n, row.hash, row.key, row.signature)

    def signed_by(self, keys: SigningKeys) -> bool:
        """Whether one of the keys has signed this head."""
        return keys.accepts(_HEAD, _message(self.tenant, self.n, self.hash), Signed(self.key, self.signature))


@dataclass(frozen=True, slots=True)
class Export:
    """Heads as they were exported ``at`` a time, in seconds since 1970, from the state database of an identity.

    ``name`` is that of the file; it is not signed.
    """

    database: str
    at: float
    heads: Sequence[Head]
    key: str = ""
    signature: str = ""
    name: str = ""

    @classmethod
    def read(cls, text: bytes | str, name: str) -> "Export":
        """Read an exported document; BadInput if it is not one."""
        try:
            return _DOCUMENT.validate_python(_JSON.validate_json(text) | {"name": name})
        except ValidationError:
            raise BadInput(f"{name} does not have exported heads of an audit log") from None

    def document(self, keys: SigningKeys) -> bytes:
        """The document, signed, as canonical JSON."""
        import rfc8785

        signed = keys.sign(_EXPORT, self._content())
        return rfc8785.dumps(self._fields() | asdict(signed))

    def signed_by(self, keys: SigningKeys) -> bool:
        """Whether one of the keys has signed this document."""
        return keys.accepts(_EXPORT, self._content(), Signed(self.key, self.signature))

    def _content(self) -> bytes:
        import rfc8785

        return rfc8785.dumps(self._fields())

    def _fields(self) -> dict[str, Any]:
        return {"database": self.database, "at": self.at, "heads": [asdict(head) for head in self.heads]}


_DOCUMENT: Final = TypeAdapter(Export)
_JSON: Final = TypeAdapter(dict[str, Any])


def signer(keys: SigningKeys | None) -> Sign | None:
    """The function that signs heads; None without keys."""
    if keys is None:
        return None

    def sign(tenant: str, n: int, last: str) -> tuple[str, str]:
        signed = keys.sign(_HEAD, _message(tenant, n, last))
        return signed.key, signed.signature

    return sign


def _message(tenant: str, n: int, last: str) -> bytes:
    import rfc8785  # not loaded by workers that record nothing

    return rfc8785.dumps({"hash": last, "n": n, "tenant": tenant})
