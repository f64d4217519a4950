"""Tokens of an OIDC provider. Its public keys are fetched in the background, so that a check needs no request."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any, Final, cast, get_args

from pydantic import ValidationError

from holdfast_workflows.contracts.control.identity import Principal, Role
from holdfast_workflows.contracts.errors import (
    HoldfastError,
    InvalidCredential,
    ServiceError,
    SettingsInvalid,
)

from .settings import IdentitySettings

_FRESH: Final = 300.0
"""Seconds after which the keys are fetched again."""

_SOON: Final = 5.0
"""The least seconds between two fetches, whatever keys tokens name."""

_COMING: Final = "the public key that signed the token is not known yet; it is being fetched"

_TIMEOUT: Final = 10.0
_MOST_BYTES: Final = 1_000_000
_ROLES: Final[tuple[Role, ...]] = get_args(Role)
_KINDS: Final = frozenset({"user", "service", "operator"})

_log = logging.getLogger(__name__)


class Tokens:
    """Verifies tokens by the keys of one provider."""

    def __init__(self, settings: IdentitySettings) -> None:
        self._settings = settings
        self._keys: Any = None
        self._fetched = -_FRESH
        self._wanted = False

    @property
    def due(self) -> bool:
        """Whether to fetch the keys: they are old, or a token names one that is missing."""
        age = time.monotonic() - self._fetched
        return age > _FRESH or (age > _SOON and (self._wanted or self._keys is None))

    async def refresh(self) -> None:
        """Fetch the keys. If that fails, the old ones stay.

        Raises:
            HoldfastError: The keys cannot be read.
        """
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        self._fetched, self._wanted = time.monotonic(), False
        place = self._settings.jwks
        text = await (self._fetch(place) if "://" in place else asyncio.to_thread(_file, place))
        try:
            self._keys = KeySet.import_key_set(json.loads(text))
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise SettingsInvalid(f"HOLDFAST_IDENTITY_JWKS: {self._settings.jwks}: {error}") from error

    @staticmethod
    async def _fetch(place: str) -> str:
        import httpx

        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT) as http:
                answer = await http.get(place)
                answer.raise_for_status()
        except httpx.HTTPError as error:
            raise ServiceError(f"HOLDFAST_IDENTITY_JWKS: {place}: {type(error).__name__}: {error}") from error
        return answer.text[:_MOST_BYTES]

    def principal(self, token: str, now: float) -> tuple[Principal, float]:
        """Return the principal of a token and the token's end.

        Raises:
            InvalidCredential: The token is not valid.
            ServiceError: Its key is not known yet; it may be fetched soon.
        """
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        claims = jwt.JWTClaimsRegistry(
            now=lambda: int(now),
            leeway=int(self._settings.leeway),
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.audience},
            exp={"essential": True},
        )
        if self._keys is None:
            self._wanted = True
            raise ServiceError(_COMING)
        try:
            decoded = jwt.decode(token, self._keys, algorithms=list(self._settings.algorithms))
            claims.validate(decoded.claims)
        except InvalidKeyIdError:
            self._wanted = True
            raise ServiceError(_COMING) from None
        except (JoseError, ValueError, TypeError, KeyError) as error:
            # The reason helps an operator, and an attacker who tries tokens.
            _log.info("a token was refused: %s: %s", type(error).__name__, error)
            raise InvalidCredential from None
        return self._mapped(decoded.claims), float(decoded.claims["exp"]) + self._settings.leeway

    def _mapped(self, claims: dict[str, Any]) -> Principal:
        """Map claims to a principal. A claim of the wrong type refuses the token."""
        names = self._settings.claims
        tenant = _text(claims, names.tenant) if names.tenant else "*"
        kind = _text(claims, names.kind) if names.kind else "user"
        kind = names.kind_names.get(kind, kind)
        if kind not in _KINDS:
            raise InvalidCredential
        try:
            return Principal.model_validate({
                "id": _text(claims, names.id),
                "kind": kind,
                "roles": self._roles(claims),
                "tenant": "" if tenant == "*" else tenant,
            })  # fmt: skip
        except ValidationError:
            raise InvalidCredential from None

    def _roles(self, claims: dict[str, Any]) -> tuple[Role, ...]:
        names = self._settings.claims
        found = _find(claims, names.roles)
        given = found.split() if isinstance(found, str) else found or []
        if not isinstance(given, list):
            raise InvalidCredential
        texts = [each for each in cast("list[object]", given) if isinstance(each, str)]
        known = [names.role_names.get(each, each) for each in texts]
        roles: list[Role] = [role for role in _ROLES if role in known]
        return tuple(roles) or names.default_roles


def _file(place: str) -> str:
    try:
        return Path(place.removeprefix("file:")).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise SettingsInvalid(f"HOLDFAST_IDENTITY_JWKS: {place}: {error}") from error


def _text(claims: dict[str, Any], name: str) -> str:
    value = _find(claims, name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidCredential
    return value


def _find(claims: dict[str, Any], name: str) -> object:
    """Return a claim, by its whole name or by a path into objects."""
    if name in claims:
        return claims[name]
    value: object = claims
    for part in name.split("."):
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, object]", value).get(part)
    return value


async def refresh_quietly(tokens: Tokens) -> None:
    """Fetch the keys if that is due, and log an error."""
    if not tokens.due:
        return
    try:
        await tokens.refresh()
    except HoldfastError as error:
        _log.warning("%s Tokens are checked with the keys fetched before.", error)
