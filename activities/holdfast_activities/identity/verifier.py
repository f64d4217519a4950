"""Assertions for credentials, and who makes a request. Nothing here waits: it runs in queries and validators."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from holdfast_activities import clock
from holdfast_workflows.contracts.control.assertions import (
    Assertion,
    Request,
    SignedRequest,
    issue,
    prove,
    verified,
)
from holdfast_workflows.contracts.control.identity import Credential, Grant, Principal
from holdfast_workflows.contracts.errors import HoldfastError, InvalidCredential

from .api_keys import PREFIX, ApiKeys
from .settings import IdentitySettings
from .tokens import Tokens, refresh_quietly

LIFE: Final = 900.0
"""Seconds of an assertion at most; a role that the provider took away lasts no longer."""

AGE: Final = 60.0
"""Seconds between a request and its arrival at most. It covers the way through the server, and differing clocks."""

_LONGEST: Final = 16_384
"""Characters of a credential."""

_CHECK: Final = 1.0
"""Seconds between looks at the file of API keys and at the age of the provider's keys."""

WORKER: Final = Principal(
    id="worker", kind="service", roles=("user", "approver", "operator", "auditor"), tenant=""
)
"""The principal of requests that workers make themselves."""

_log = logging.getLogger(__name__)


class Verifier:
    """The identity provider of one worker."""

    def __init__(self, settings: IdentitySettings) -> None:
        """Read the identity keys and the API keys.

        Raises:
            SettingsInvalid: The settings do not belong together, or a file cannot be read.
            SecretMissing: An identity key has no value.
        """
        settings.check()
        self._keys = settings.signing_keys()
        self._api_keys = ApiKeys(settings.api_keys) if settings.api_keys else None
        self._tokens = Tokens(settings) if settings.jwks else None
        if self._api_keys:
            self._api_keys.refresh()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep API keys and the provider's keys up to date."""
        if self._tokens:
            await refresh_quietly(self._tokens)
        task = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(_CHECK)
            self.refresh_api_keys()
            if self._tokens:
                await refresh_quietly(self._tokens)

    def refresh_api_keys(self) -> None:
        """Read the file of API keys if it has changed; log an error."""
        try:
            if self._api_keys:
                self._api_keys.refresh()
        except HoldfastError as error:
            _log.warning("%s The keys read before stay valid.", error)

    def exchange(self, credential: Credential) -> Grant:
        """Return a grant for a credential.

        Raises:
            InvalidCredential: The credential is not valid.
        """
        now, text = clock.now(), credential.value.strip()
        if not text or len(text) > _LONGEST:
            raise InvalidCredential
        if text.startswith(PREFIX):
            if self._api_keys is None:
                raise InvalidCredential
            key = self._api_keys.find(text, now)
            return self.grant(key.principal, key.expires or now + LIFE, credential=key.id)
        if self._tokens is None:
            raise InvalidCredential
        principal, end = self._tokens.principal(text, now)
        return self.grant(principal, end)

    def grant(self, principal: Principal, end: float, *, credential: str = "") -> Grant:
        """Vouch for a principal until ``end``, for 15 minutes at most."""
        now = clock.now()
        expires = min(end, now + LIFE)
        assertion = Assertion(
            principal=principal,
            issued=now,
            expires=expires,
            nonce=secrets.token_urlsafe(9),
            credential=credential,
        )
        text, proof_key = issue(assertion, next(iter(self._keys.values())))
        return Grant(principal=principal, assertion=text, proof_key=proof_key.hex(), now=now, expires=expires)

    def sign(self, principal: Principal, statement: str, credential: str) -> str:
        """Vouch for a principal, for one statement and without an end; valid until the API key is revoked."""
        now = clock.now()
        # Without its proof key, which is not given away, it proves no request.
        assertion = Assertion(
            principal=principal, issued=now, expires=now, nonce=statement, credential=credential
        )
        return issue(assertion, next(iter(self._keys.values())))[0]

    def signed_for(self, grant: str, statement: str, at: float | None = None) -> Principal:
        """Return for whom a worker has signed a statement, around a time if ``at`` is given.

        Raises:
            InvalidCredential: It is forged, another statement's, too old, or its API key was revoked.
        """
        found = verified(grant, self._keys)
        if found is None or not hmac.compare_digest(found[0].nonce.encode(), statement.encode()):
            raise InvalidCredential
        if at is not None and abs(at - found[0].issued) > AGE:
            raise InvalidCredential
        self._expect_known(found[0])
        return found[0].principal

    def _expect_known(self, assertion: Assertion) -> None:
        if assertion.credential and not (self._api_keys and self._api_keys.knows(assertion.credential)):
            raise InvalidCredential  # revoked

    def own_grant(self) -> Grant:
        """Vouch for this worker."""
        return self.grant(WORKER, clock.now() + LIFE)

    def identify(self, request: Request, signed: SignedRequest | None, at: float | None = None) -> Principal:
        """Return who makes a request that arrives ``at`` a time, by default now.

        Raises:
            InvalidCredential: The header is missing, forged, expired, or of another request.
        """
        found = verified(signed.assertion, self._keys) if signed else None
        if signed is None or found is None:
            raise InvalidCredential
        assertion, proof_key = found
        if not hmac.compare_digest(prove(request, signed.at, proof_key).encode(), signed.proof.encode()):
            raise InvalidCredential
        arrived = clock.now() if at is None else at
        if abs(arrived - signed.at) > AGE or not assertion.issued - AGE <= signed.at < assertion.expires:
            raise InvalidCredential
        self._expect_known(assertion)
        return assertion.principal
