"""Assertions, by which workers vouch for a principal, and proofs, which bind an assertion to one request.

A worker makes an assertion from a credential and gives it to the client with a proof key, in the answer of a query,
which no history records. The header of a request carries the assertion and a proof, never the proof key. So
a header that was read in a history proves nothing about another request.

The keys of all three are derived from the deployment's identity key, which only workers have.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import ValidationError

from ..base import Contract
from ..text.unicode import dump_json
from .identity import Principal

HEADER: Final = "holdfast-identity"
"""The Temporal header of requests."""

RequestKind = Literal["start", "update", "query", "signal", "activity"]


@dataclass(frozen=True, repr=False)
class Key:
    """A secret of the deployment. ``id`` tells keys apart during a rotation and reveals nothing."""

    id: str
    secret: bytes

    @classmethod
    def of(cls, secret: bytes) -> "Key":
        """Return the key with this secret."""
        return cls(hashlib.sha256(b"id" + secret).hexdigest()[:8], secret)


class Assertion(Contract):
    """What a worker vouches for. ``credential`` is the id of the API key; empty for tokens. ``nonce`` makes it unique."""

    principal: Principal
    issued: float
    expires: float
    nonce: str
    credential: str = ""


class SignedRequest(Contract):
    """The content of the header: an assertion, with a proof for one request made ``at`` a time."""

    assertion: str
    at: float
    proof: str


@dataclass(frozen=True)
class Request:
    """What a proof is bound to.

    ``target`` is the id of the workflow or standalone activity, ``name`` the handler or type, ``id`` that of the
    update, ``digest`` of the arguments.
    """

    kind: RequestKind
    namespace: str
    target: str
    name: str
    digest: str
    id: str = ""


class SignedStart(Contract):
    """The header of a workflow's start, for the activity that verifies it. ``at`` is the time of the start."""

    signed: SignedRequest | None = None
    digest: str
    at: float


def digest_of(args: Sequence[object]) -> str:
    """Return the digest of a request's arguments, the same for values that were sent and received.

    Raises:
        TypeError: A value is not of a type that Holdfast's handlers take.
    """
    text = dump_json([_plain(each) for each in args])
    try:
        data = text.encode()
    except UnicodeEncodeError:  # two adjacent halves of a character arrive as one
        data = (
            text.encode("utf-16-le", "surrogatepass")
            .decode("utf-16-le", "surrogatepass")
            .encode("utf-8", "surrogatepass")
        )
    return hashlib.sha256(data).hexdigest()[:32]


def _plain(value: object) -> object:
    if isinstance(value, Contract):
        return value.model_dump(mode="json", exclude_defaults=True)
    # A whole number arrives as an int or a float, whatever was sent.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def issue(assertion: Assertion, key: Key) -> tuple[str, bytes]:
    """Return the signed assertion and its proof key."""
    body = f"{key.id}.{_encode(assertion.model_dump_json(exclude_defaults=True).encode())}"
    text = f"{body}.{_encode(_mac(key, b'assertion', body))}"
    return text, _mac(key, b"proof", text)


def read(text: str) -> Assertion | None:
    """Return an assertion without checking its signature; None if it is malformed."""
    try:
        _, body, _ = text.split(".")
        return Assertion.model_validate_json(_decode(body))
    except (ValueError, ValidationError):
        return None


def verified(text: str, keys: Mapping[str, Key]) -> tuple[Assertion, bytes] | None:
    """Return an assertion that one of the keys has signed, and its proof key. Its expiry is not checked."""
    body, _, signature = text.rpartition(".")
    key, assertion = keys.get(body.partition(".")[0]), read(text)
    if key is None or assertion is None:
        return None
    if not hmac.compare_digest(_encode(_mac(key, b"assertion", body)).encode(), signature.encode()):
        return None
    return assertion, _mac(key, b"proof", text)


def prove(request: Request, at: float, proof_key: bytes) -> str:
    """Return the proof that the holder of the proof key makes this request."""
    parts = (
        request.kind,
        request.namespace,
        request.target,
        request.name,
        request.id,
        request.digest,
        repr(at),
    )
    # Lengths, so that no two requests give the same text.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return _encode(hmac.digest(proof_key, text.encode("utf-8", "surrogatepass"), "sha256"))


def _mac(key: Key, purpose: bytes, text: str) -> bytes:
    return hmac.digest(hmac.digest(key.secret, purpose, "sha256"), text.encode(errors="replace"), "sha256")


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
