"""Who acts, for workflow code: read from the recorded header of an update, or from the session's start.

The worker has verified the header before the update was accepted. Here, where a replay must decide the same, it is
only read.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from pydantic import ValidationError
from temporalio import workflow
from temporalio.api.common.v1 import Payload

from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.control import assertions
from holdfast_workflows.contracts.control.identity import LOCAL_OPERATOR, Principal
from holdfast_workflows.contracts.control.verification import start_digest

_acting: Final = ContextVar[Principal | None]("holdfast_acting", default=None)
_signal: Final = ContextVar[assertions.SignedRequest | None]("holdfast_signal", default=None)


def principal() -> Principal:
    """Return who acts: the principal of the running update, else of the session's start.

    Without an identity provider it is ``LOCAL_OPERATOR``.
    """
    acting = _acting.get()
    if acting is None:
        acting = getattr(workflow.instance(), "principal", None)
    return acting or LOCAL_OPERATOR


def actor() -> str:
    """Return the id of the running update's principal; empty without an identity provider, or without an update."""
    acting = _acting.get()
    return acting.id if acting else ""


@contextmanager
def acting(headers: Mapping[str, Payload]) -> Generator[None]:
    """Make the header's principal the one that acts."""
    found = read(headers)
    if found is None:
        yield
        return
    token = _acting.set(found)
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def signalled(headers: Mapping[str, Payload]) -> Generator[None]:
    """Keep the header of a signal, which nothing has verified, for ``signed_signal``."""
    token = _signal.set(signed_request(headers))
    try:
        yield
    finally:
        _signal.reset(token)


def signed_signal() -> assertions.SignedRequest | None:
    """Return the header of the running signal, which is not verified."""
    return _signal.get()


def read(headers: Mapping[str, Payload]) -> Principal | None:
    """Return the principal of a header; None without one, or if it is malformed."""
    signed = signed_request(headers)
    assertion = assertions.read(signed.assertion) if signed else None
    return assertion.principal if assertion else None


def signed_start(start: Contract) -> assertions.SignedStart | None:
    """Return the identity header of the running workflow's start; None without one.

    For a child, whose start carries a grant instead, only what the grant is for.
    """
    info = workflow.info()
    at = info.workflow_start_time.timestamp()
    if getattr(getattr(start, "parent", None), "grant", ""):
        return assertions.SignedStart(digest=start_digest(start), at=at)
    if assertions.HEADER not in info.headers:
        return None
    signed = signed_request(info.headers)
    return assertions.SignedStart(signed=signed, digest=assertions.digest_of([start]), at=at)


def signed_request(headers: Mapping[str, Payload]) -> assertions.SignedRequest | None:
    """Return the content of the identity header."""
    payload = headers.get(assertions.HEADER)
    if payload is None:
        return None
    try:
        return assertions.SignedRequest.model_validate_json(payload.data)
    except ValidationError:
        return None
