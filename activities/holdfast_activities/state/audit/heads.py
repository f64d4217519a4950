"""Heads of chains, as they are signed."""

from dataclasses import dataclass
from typing import Final

from holdfast_activities.signing.keys import Signed, SigningKeys

from .appending import Sign

PURPOSE: Final = "audit-head"


@dataclass(frozen=True, slots=True)
class Head:
    """The last record of a tenant's chain at some time, with the signature of its tenant, number and hash."""

    tenant: str
    n: int
    hash: str
    key: str
    signature: str

    def signed_by(self, keys: SigningKeys) -> bool:
        """Whether one of the keys has signed this head."""
        return keys.accepts(
            PURPOSE, _message(self.tenant, self.n, self.hash), Signed(self.key, self.signature)
        )


def signer(keys: SigningKeys | None) -> Sign | None:
    """The function that signs heads; None without keys."""
    if keys is None:
        return None

    def sign(tenant: str, n: int, last: str) -> tuple[str, str]:
        signed = keys.sign(PURPOSE, _message(tenant, n, last))
        return signed.key, signed.signature

    return sign


def _message(tenant: str, n: int, last: str) -> bytes:
    import rfc8785  # not loaded by workers that record nothing

    return rfc8785.dumps({"hash": last, "n": n, "tenant": tenant})
