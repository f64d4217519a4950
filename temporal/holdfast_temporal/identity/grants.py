"""The current grant of a client, renewed before it expires."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from temporalio.client import Client

from holdfast_workflows.contracts.control.assertions import Request, SignedRequest, prove
from holdfast_workflows.contracts.control.identity import Grant
from holdfast_workflows.contracts.errors import HoldfastError, InvalidCredential, ServiceError

from .credentials import CredentialSource, read
from .exchange import exchange

_USED: Final = 0.7
"""The part of a grant's life after which it is renewed."""

_LONGEST: Final = 15.0
"""Seconds for an exchange: a worker may first have to fetch the key that signed a token, or be replaced."""

_PAUSE: Final = 0.5


class Signer(Protocol):
    """Signs requests for a principal."""

    async def sign(self, request: Request) -> SignedRequest:
        """Return the header's content for one request."""
        ...


@dataclass(frozen=True)
class _Held:
    grant: Grant
    ahead: float
    """Seconds by which this machine's clock is ahead of the worker's."""

    def now(self) -> float:
        return time.time() - self.ahead

    @property
    def stale(self) -> bool:
        return self.now() > self.grant.now + (self.grant.expires - self.grant.now) * _USED

    @property
    def ended(self) -> bool:
        return self.now() >= self.grant.expires

    def sign(self, request: Request) -> SignedRequest:
        at = round(self.now(), 3)
        proof = prove(request, at, bytes.fromhex(self.grant.proof_key))
        return SignedRequest(assertion=self.grant.assertion, at=at, proof=proof)


class Grants:
    """The grants of one credential."""

    def __init__(
        self, client: Client, queue: Callable[[], Awaitable[str]], credential: CredentialSource
    ) -> None:
        """``client`` does not sign; ``queue`` returns the workers' task queue."""
        self._client = client
        self._queue = queue
        self._credential = credential
        self._held: _Held | None = None
        self._renewing = asyncio.Lock()

    async def current(self) -> Grant:
        """Return a grant that is valid for a while; it is renewed if needed.

        Raises:
            InvalidCredential: The credential is not valid.
            NoIdentityProvider: The workers do not check credentials.
            ServiceError: No answer.
        """
        return (await self._current()).grant

    async def sign(self, request: Request) -> SignedRequest:
        """Return the header's content for one request; raises as ``current``."""
        return (await self._current()).sign(request)

    async def _current(self) -> _Held:
        held = self._held
        if held is None or held.stale:
            async with self._renewing:
                if self._held is held:
                    await self._renew()
        assert self._held is not None
        return self._held

    async def _renew(self) -> None:
        try:
            queue, credential = await self._queue(), await read(self._credential)
            grant = await self._exchange(queue, credential)
        except HoldfastError:
            # One that is still valid bridges an outage of the identity provider or the workers.
            if self._held is None or self._held.ended:
                self._held = None
                raise
            return
        self._held = _Held(grant, time.time() - grant.now)

    async def _exchange(self, queue: str, credential: str) -> Grant:
        last = time.monotonic() + _LONGEST
        while True:
            try:
                return await exchange(self._client, queue, credential)
            except (InvalidCredential, ServiceError) as error:
                if not error.retryable or time.monotonic() > last:
                    raise
            await asyncio.sleep(_PAUSE)


class OwnGrants:
    """The grants that a worker makes for its own requests."""

    def __init__(self, grant: Callable[[], Grant]) -> None:
        self._grant = grant
        self._held: _Held | None = None

    async def sign(self, request: Request) -> SignedRequest:
        """Return the header's content for one request."""
        if self._held is None or self._held.stale:
            grant = self._grant()
            self._held = _Held(grant, time.time() - grant.now)
        return self._held.sign(request)
