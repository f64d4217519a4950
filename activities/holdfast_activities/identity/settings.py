"""What an identity provider needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from holdfast_activities.secrets.references import resolve
from holdfast_workflows.contracts.control.assertions import Key
from holdfast_workflows.contracts.control.identity import PrincipalKind, Role
from holdfast_workflows.contracts.control.secrets import is_reference
from holdfast_workflows.contracts.errors import SettingsInvalid

_SHORTEST: Final = 32
"""Characters of an identity key."""

_SYMMETRIC = ("none", "HS")


class Claims(BaseModel):
    """Which claim of a token gives which part of a principal; a dot leads into an object: ``realm_access.roles``.

    ``tenant`` is required in every token unless it is empty here, for a deployment without tenants; the value
    ``*`` is every tenant. ``kind`` may be left empty: then every token is a user's. ``role_names`` maps the provider's
    names of roles to Holdfast's; other names give no role. ``default_roles`` are those of a token without any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = "sub"
    tenant: str = "tenant"
    roles: str = "roles"
    kind: str = ""
    kind_names: dict[str, PrincipalKind] = {}
    role_names: dict[str, Role] = {}
    default_roles: tuple[Role, ...] = ()


_CLAIMS: Final = Claims()


@dataclass(frozen=True)
class IdentitySettings:
    """An identity provider. It is off without ``api_keys`` and ``jwks``.

    Attributes:
        keys: References of identity keys; the first signs, all verify.
        api_keys: The path of the file with the hashes of API keys.
        jwks: The address or the path of the provider's public keys.
        issuer: The issuer that tokens must name.
        audience: The audience that tokens must name.
        algorithms: The signature algorithms that are accepted.
        claims: How claims become a principal.
        leeway: Seconds by which the provider's clock may differ.
    """

    keys: tuple[str, ...] = ()
    api_keys: Path | None = None
    jwks: str = ""
    issuer: str = ""
    audience: str = ""
    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")
    claims: Claims = _CLAIMS
    leeway: float = 30.0

    @property
    def on(self) -> bool:
        """Whether requests are checked."""
        return self.api_keys is not None or bool(self.jwks)

    def check(self) -> None:
        """Check that the settings belong together.

        Raises:
            SettingsInvalid: They do not; the detail names the variable.
        """
        if not self.on:
            if self.keys:
                raise SettingsInvalid(
                    "HOLDFAST_IDENTITY_KEY is set without HOLDFAST_IDENTITY_API_KEYS or HOLDFAST_IDENTITY_JWKS"
                )
            return
        if not self.keys:
            raise SettingsInvalid(
                "HOLDFAST_IDENTITY_KEY is not set; name a secret of at least 32 characters, as file:/path or env:NAME"
            )
        if self.jwks and not (self.issuer and self.audience):
            raise SettingsInvalid(
                "HOLDFAST_IDENTITY_ISSUER and HOLDFAST_IDENTITY_AUDIENCE: tokens for other services would be accepted; "
                "set both"
            )
        if re.match(r"http://(?!(127\.0\.0\.1|localhost|\[::1\])[:/])", self.jwks):
            raise SettingsInvalid(
                "HOLDFAST_IDENTITY_JWKS: keys from http:// can be forged on the way; use https://"
            )
        if shared := [each for each in self.algorithms if each.startswith(_SYMMETRIC)]:
            raise SettingsInvalid(
                f"HOLDFAST_IDENTITY_ALGORITHMS: {shared[0]} is not a public key algorithm, such as RS256"
            )

    def signing_keys(self) -> dict[str, Key]:
        """Return the identity keys by their ids, the signing one first.

        Raises:
            SecretMissing: A reference has no value.
            SettingsInvalid: A value is not a reference, or too short.
        """
        found: dict[str, Key] = {}
        for reference in self.keys:
            if not is_reference(reference):
                raise SettingsInvalid(
                    "HOLDFAST_IDENTITY_KEY holds a secret itself; use file:/path or env:NAME, several with commas"
                )
            secret = resolve(reference)
            if len(secret) < _SHORTEST:
                raise SettingsInvalid(
                    f"HOLDFAST_IDENTITY_KEY: {reference} has {len(secret)} characters; use at least {_SHORTEST} random ones"
                )
            key = Key.of(secret.encode())
            found[key.id] = key
        return found
