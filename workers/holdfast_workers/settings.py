"""Every setting of a worker process, read from ``HOLDFAST_…`` variables."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from holdfast_temporal import Connection
from holdfast_temporal.connection import read_secret, read_switch, read_tls
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.secrets import references_in
from holdfast_workflows.contracts.errors import SettingsInvalid
from holdfast_workflows.contracts.text.nearest import no_such
from holdfast_workflows.contracts.text.redaction import learn

if TYPE_CHECKING:
    from holdfast_activities.identity import IdentitySettings
    from holdfast_activities.models.config import ProviderConfig
    from holdfast_activities.models.own_prices import OwnPrices
    from holdfast_activities.signing.keys import SigningKeys
    from holdfast_activities.state import Cipher

_PREFIX = "HOLDFAST_"
_PASSWORD = re.compile(r"://[^/@:]*:([^/]+)@|[?&]password=([^&]+)")


class Settings(BaseModel):
    """How a worker process runs: field ``home`` is HOLDFAST_HOME, and so on; docs/configuration.md describes each.

    A ``…_file`` field is the path of a file that holds the secret. Times are in seconds.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    temporal_address: str = ""
    namespace: str = "default"
    tls: str = ""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    tls_server_name: str = ""
    api_key: SecretStr = SecretStr("")
    api_key_file: str = ""
    keys: str = ""
    accept_clear: str = ""
    task_queue: str = ""
    queues: str = ""
    home: Path = Path(".holdfast")
    state_url: SecretStr = SecretStr("")
    state_url_file: str = ""
    memory_url: SecretStr = SecretStr("")
    memory_url_file: str = ""
    embeddings: str = ""
    providers: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    prices: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "console"] = "auto"
    log_folder: str = ""
    log_days: float = Field(default=30.0, gt=0)
    health_host: str = "127.0.0.1"
    health_port: int | None = Field(default=None, ge=0, le=65_535)
    graceful_seconds: float = Field(default=30.0, ge=0)
    max_concurrent_activities: int = Field(default=200, ge=1)
    max_concurrent_workflow_tasks: int = Field(default=100, ge=2)
    max_cached_workflows: int = Field(default=1_000, ge=0)
    maintenance_every: float = Field(default=3_600.0, ge=0)
    backup_folder: str = ""
    backup_every: float = Field(default=600.0, ge=0)
    backup_days: float = Field(default=14.0, ge=1)
    backup_memories: bool = True
    probe_workers: str = ""
    signing_key: str = ""
    identity_key: str = ""
    identity_api_keys: str = ""
    identity_jwks: str = ""
    identity_issuer: str = ""
    identity_audience: str = ""
    identity_algorithms: str = "RS256,ES256,EdDSA"
    identity_claims: dict[str, Any] = Field(default_factory=dict[str, Any])
    identity_leeway: float = Field(default=30.0, ge=0, le=600)
    audit_export: str = ""
    stop_with_parent: bool = False
    tracing: str = ""
    tracing_content: str = ""
    tracing_sample: float = Field(default=1.0, ge=0, le=1)

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Read the environment; arguments that are not None override it.

        Raises:
            SettingsInvalid: A value cannot be used; the detail names its variable.
        """
        if unknown := [name for name in given if name not in cls.model_fields]:
            raise SettingsInvalid(no_such("setting", unknown, cls.model_fields))
        values = {name: os.environ.get(_PREFIX + name.upper()) for name in cls.model_fields}
        values |= {name: value for name, value in given.items() if value is not None}
        try:
            return cls.model_validate(
                {name: value for name, value in values.items() if value not in (None, "")}
            )
        except ValidationError as error:
            raise _invalid(error) from None

    @field_validator("providers", "identity_claims", mode="before")
    @classmethod
    def _read_json(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value

    def connection(self) -> Connection:
        """Address and credentials of Temporal.

        Raises:
            SettingsInvalid: A certificate or key file cannot be read.
        """
        key = self.api_key.get_secret_value() or read_secret("HOLDFAST_API_KEY_FILE", self.api_key_file)
        learn(key, "temporal-key")
        return Connection(
            address=self.temporal_address,
            namespace=self.namespace,
            tls=read_tls(self.tls, self.tls_ca, self.tls_cert, self.tls_key, self.tls_server_name),
            api_key=key or None,
            keys=self.keys.strip(),
            accept_clear=read_switch("ACCEPT_CLEAR", self.accept_clear),
        )

    def traces(self) -> bool:
        """Whether spans are made; SettingsInvalid if HOLDFAST_TRACING is not true or false."""
        return read_switch("TRACING", self.tracing)

    def traces_content(self) -> bool:
        """Whether spans have prompts and results; SettingsInvalid if the variable is not true or false."""
        return read_switch("TRACING_CONTENT", self.tracing_content)

    def cipher(self) -> Cipher:
        """The cipher of content in the databases; it leaves content clear if there are no keys.

        Raises:
            KeysInvalid: The keys cannot be used.
        """
        from holdfast_activities.state import cipher_of  # it loads SQLAlchemy

        connection = self.connection()
        return cipher_of(connection.keyring(), accept_clear=connection.accept_clear)

    def identity(self) -> IdentitySettings:
        """The identity provider.

        Raises:
            SettingsInvalid: HOLDFAST_IDENTITY_CLAIMS is invalid.
        """
        from holdfast_activities.identity.settings import Claims, IdentitySettings

        try:
            claims = Claims.model_validate(self.identity_claims)
        except ValidationError as error:
            raise _invalid(error, "identity_claims.") from None
        return IdentitySettings(
            keys=_words(self.identity_key),
            api_keys=Path(self.identity_api_keys) if self.identity_api_keys else None,
            jwks=self.identity_jwks,
            issuer=self.identity_issuer,
            audience=self.identity_audience,
            algorithms=_words(self.identity_algorithms),
            claims=claims,
            leeway=self.identity_leeway,
        )

    def for_app(self, name: str) -> Self:
        """These settings with the task queue of an App, if none is set."""
        return self if self.task_queue else self.model_copy(update={"task_queue": names.queue_of(name)})

    def scope(self) -> str:
        """The scope of shared state, by queue, so that several apps can use one database."""
        return "" if self.task_queue == names.TASK_QUEUE else self.task_queue

    def state(self) -> str:
        """The URL of the state database.

        Raises:
            SettingsInvalid: The file that holds it cannot be read.
            SecretMissing: A reference in it has no value.
        """
        url = (
            self.state_url.get_secret_value()
            or read_secret("HOLDFAST_STATE_URL_FILE", self.state_url_file)
            or f"sqlite:///{self.home.absolute() / 'state.db'}"
        )
        return url if _is_folder(url) else _filled(url)

    def state_is_local(self) -> bool:
        """Whether only this machine can use the state database. Raises as ``state``."""
        return self.state().startswith(("sqlite", "file:"))

    def memory(self) -> str:
        """The URL of the memory store; empty for the state database or a file.

        Raises:
            SettingsInvalid: The file that holds it cannot be read.
            SecretMissing: A reference in it has no value.
        """
        return _filled(
            self.memory_url.get_secret_value()
            or read_secret("HOLDFAST_MEMORY_URL_FILE", self.memory_url_file)
        )

    def audit_place(self) -> str:
        """Where heads of the audit log are exported; empty for nowhere.

        The default is a folder of this machine, so it is of use only with a database of this machine.
        """
        if self.audit_export or not self.state_is_local():
            return self.audit_export
        return str(self.home.absolute() / "audit-heads")

    def signing_keys(self) -> SigningKeys:
        """The keys that sign audit heads and approvals.

        Raises:
            SettingsInvalid: The keys cannot be read.
        """
        from holdfast_activities.signing.keys import open_keys

        return open_keys(self.signing_key, self.home)

    def existing_keys(self) -> SigningKeys | None:
        """The keys that sign, if there are any: a new one would only show that all signatures are of another.

        Raises:
            SettingsInvalid: The keys cannot be read.
        """
        from holdfast_activities.signing.keys import FILE

        return self.signing_keys() if self.signing_key or (self.home / FILE).exists() else None

    def model_providers(self) -> dict[str, ProviderConfig]:
        """All providers; the variables ``OPENAI_…`` and ``ANTHROPIC_…`` configure two of them.

        Raises:
            SettingsInvalid: HOLDFAST_PROVIDERS does not describe providers.
        """
        # Imported lazily: `holdfast dev` needs only the settings.
        from holdfast_activities.models.config import providers_from, read_providers

        return {**providers_from(os.environ), **read_providers(self.providers)}

    def own_prices(self) -> OwnPrices:
        """The prices of HOLDFAST_PRICES, which come before those of the list.

        Raises:
            SettingsInvalid: HOLDFAST_PRICES does not hold prices, or its file cannot be read.
        """
        from holdfast_activities.models.own_prices import read_prices

        return read_prices(self.prices)


def _is_folder(url: str) -> bool:
    """Whether ``file:`` is a file store, not a reference to a file that has the URL."""
    return url.startswith("file:") and not Path(unquote(urlsplit(url).path)).is_file()


def _filled(url: str) -> str:
    """The URL with the values of its references; its password is redacted from now on."""
    if references_in(url):
        from holdfast_activities.secrets.references import fill  # it loads the activities

        url = fill(url)
    for found in _PASSWORD.finditer(url):
        learn(unquote(found[1] or found[2]), "database-password")
    return url


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _invalid(error: ValidationError, prefix: str = "") -> SettingsInvalid:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = prefix + ".".join(map(str, problem["loc"]))
    return SettingsInvalid(f"{_PREFIX}{name.upper()}: {problem['msg']}")
