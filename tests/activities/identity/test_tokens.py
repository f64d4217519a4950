"""Tokens of an OIDC provider, signed with real keys and served over HTTP."""

from __future__ import annotations

import base64
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from holdfast_activities.identity.settings import Claims, IdentitySettings
from holdfast_activities.identity.tokens import Tokens
from holdfast_activities.identity.verifier import Verifier
from holdfast_workflows.contracts.control.identity import Credential
from holdfast_workflows.contracts.errors import HoldfastError, InvalidCredential, ServiceError

ISSUER, AUDIENCE = "https://login.test/", "holdfast"
KEY = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
NEXT = ECKey.generate_key("P-256", {"kid": "k2", "alg": "ES256", "use": "sig"})


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a valid token, changed; None removes one."""
    now = int(time.time())
    made = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "tenant": "acme", "roles": ["user"],
        "iat": now, "nbf": now, "exp": now + 300,
    } | changes  # fmt: skip
    return {name: value for name, value in made.items() if value is not None}


def token(key: Any = KEY, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A signed token."""
    return jwt.encode(header or {"alg": "RS256", "kid": "k1"}, claims(**changes), key)


def settings(jwks: str | Path, **changes: Any) -> IdentitySettings:
    """Settings for the provider of these tests."""
    given: dict[str, Any] = {"jwks": str(jwks), "issuer": ISSUER, "audience": AUDIENCE, **changes}
    return IdentitySettings(keys=("env:IDENTITY_KEY",), **given)


def served(*keys: Any) -> str:
    """The public keys as JSON."""
    return json.dumps(KeySet(list(keys)).as_dict(private=False))


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    """A file with the provider's public key."""
    path = tmp_path / "jwks.json"
    path.write_text(served(KEY))
    return path


async def ready(jwks: str | Path, **changes: Any) -> Tokens:
    """Tokens whose keys are fetched."""
    tokens = Tokens(settings(jwks, **changes))
    await tokens.refresh()
    return tokens


async def test_a_token_gives_the_principal_of_its_claims(jwks: Path) -> None:
    who, end = (await ready(jwks)).principal(token(roles=["user", "approver", "unknown"]), time.time())
    assert (who.id, who.kind, who.roles, who.tenant) == ("ann", "user", ("user", "approver"), "acme")
    assert end > time.time()


async def test_claims_can_have_other_names_and_roles_other_words(jwks: Path) -> None:
    mapped = Claims(
        id="email",
        tenant="org.id",
        roles="realm_access.roles",
        kind="typ",
        kind_names={"m2m": "service"},
        role_names={"support": "approver"},
    )
    made = token(
        tenant=None,
        roles=None,
        email="a@b.c",
        org={"id": "acme"},
        realm_access={"roles": ["support"]},
        typ="m2m",
    )
    who, _ = (await ready(jwks, claims=mapped)).principal(made, time.time())
    assert (who.id, who.kind, who.roles, who.tenant) == ("a@b.c", "service", ("approver",), "acme")


NOT_VALID: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.test/"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "shop"},
    "no audience": {"aud": None},
    "expired": {"exp": 2**30},
    "no expiry": {"exp": None},
    "not yet valid": {"nbf": 2**32},
    "no subject": {"sub": None},
    "an empty subject": {"sub": " "},
    "a subject that is no text": {"sub": 5},
    "no tenant": {"tenant": None},
    "a tenant that is a list": {"tenant": ["acme", "evil"]},
    "an empty tenant": {"tenant": ""},
    "roles that are an object": {"roles": {"operator": True}},
    "another key of the same id": {"key": OTHER},
    "an id that is too long": {"sub": "a" * 10_000},
}


@pytest.mark.parametrize("what", NOT_VALID)
async def test_a_token_that_is_not_valid_is_refused(jwks: Path, what: str) -> None:
    with pytest.raises(InvalidCredential):
        (await ready(jwks)).principal(token(**NOT_VALID[what]), time.time())


async def test_the_algorithm_is_never_the_tokens_choice(jwks: Path) -> None:
    tokens = await ready(jwks)
    header, body, _ = token().split(".")
    # The public key as the secret of a symmetric signature.
    signed = f"eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0.{body}"
    mac = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    forged = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    unsigned = f"eyJhbGciOiJub25lIiwia2lkIjoiazEifQ.{body}."
    for text in (forged, unsigned, f"{header}.{body}.", f"{header}.{body}.AAAA", "", "a.b.c", "…"):
        with pytest.raises(InvalidCredential):
            tokens.principal(text, time.time())


async def test_a_tenant_of_a_star_is_every_tenant_and_no_claim_is_a_deployment_without_tenants(
    jwks: Path,
) -> None:
    assert (await ready(jwks)).principal(token(tenant="*"), time.time())[0].tenant == ""
    without = await ready(jwks, claims=Claims(tenant=""))
    assert without.principal(token(tenant="acme"), time.time())[0].tenant == ""


@pytest.fixture
def provider() -> Iterator[dict[str, Any]]:
    """A provider's address, and the answer that it gives."""
    state: dict[str, Any] = {"answer": served(KEY), "requests": 0}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state["requests"] += 1
            self.send_response(200 if state["answer"] else 503)
            self.end_headers()
            self.wfile.write((state["answer"] or "").encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state["url"] = f"http://127.0.0.1:{server.server_port}/jwks.json"
    yield state
    server.shutdown()
    server.server_close()


async def test_a_token_with_a_new_key_makes_the_keys_be_fetched_again(
    provider: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast_activities.identity.tokens._SOON", 0.0)
    tokens = await ready(provider["url"])
    new = token(NEXT, header={"alg": "ES256", "kid": "k2"})
    before = tokens.due
    with pytest.raises(ServiceError):
        tokens.principal(new, time.time())
    provider["answer"] = served(KEY, NEXT)
    assert (before, tokens.due) == (False, True)
    await tokens.refresh()
    assert tokens.principal(new, time.time())[0].id == "ann"


async def test_unknown_keys_do_not_make_every_request_a_fetch(provider: dict[str, Any]) -> None:
    tokens = await ready(provider["url"])
    for _ in range(50):
        with pytest.raises(ServiceError):
            tokens.principal(token(NEXT, header={"alg": "ES256", "kid": "k2"}), time.time())
        assert not tokens.due
    assert provider["requests"] == 1


async def test_an_outage_of_the_provider_leaves_the_keys_as_they_were(provider: dict[str, Any]) -> None:
    tokens = await ready(provider["url"])
    for answer in ("", "no JSON", "[]", '{"keys": 5}'):
        provider["answer"] = answer
        with pytest.raises(HoldfastError):
            await tokens.refresh()
        assert tokens.principal(token(), time.time())[0].id == "ann"


async def test_an_assertion_lasts_no_longer_than_its_token(
    jwks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_KEY", "k" * 32)
    verifier = Verifier(settings(jwks, leeway=0.0))
    async with verifier.running():
        short = verifier.exchange(Credential(value=token(exp=int(time.time()) + 60)))
        long = verifier.exchange(Credential(value=token(exp=int(time.time()) + 90_000)))
        assert short.expires - short.now <= 60
        assert long.expires - long.now == 900
        with pytest.raises(InvalidCredential):
            verifier.exchange(Credential(value="hfk_x_y"))
