"""Providers and their keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from holdfast_activities.secrets.references import fill, resolve
from holdfast_activities.state.coordination.bucket import Rate
from holdfast_workflows.contracts.control.secrets import is_reference
from holdfast_workflows.contracts.errors import (
    InvalidDeclaration,
    ModelRejected,
    SecretMissing,
    SettingsInvalid,
)
from holdfast_workflows.contracts.text.nearest import no_such
from holdfast_workflows.contracts.text.redaction import learn

Kind = Literal["openai", "anthropic"]

_BASE_URLS: dict[Kind, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
}


@dataclass(frozen=True)
class ProviderConfig:
    """A provider: a wire format at a base URL.

    Attributes:
        kind: The wire format.
        base_url: The URL before ``/chat/completions`` (OpenAI) or ``/v1/messages`` (Anthropic); empty for the
            provider's own. A query (``?api-version=…``) is sent with each request.
        key: The API key itself; never shown.
        key_from: The place of the key: ``env:NAME`` or ``file:/path``. Without key and place, none is sent.
        headers: Sent with each request. Values may contain references: ``env:NAME`` or ``Bearer ${env:NAME}``.
        structured: Whether the server can bind a reply to a JSON schema; if not, the schema is added to the prompt.
        alternating: Whether the server refuses consecutive user messages, as the chat templates of some open
            models do; they are then sent as one. Only for ``openai``: the other format always joins them.
        requests_per_minute: The limit for all workers together; None for no limit.
        tokens_per_minute: The limit for all workers together, input and output; None for no limit.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    kind: Kind
    base_url: str = ""
    key: str = field(default="", repr=False)
    key_from: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    structured: bool = True
    alternating: bool = False
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None

    def __post_init__(self) -> None:
        """Refuse an invalid ``key_from``.

        Raises:
            InvalidDeclaration: ``key_from`` has another form.
        """
        if self.key_from and not is_reference(self.key_from):
            raise InvalidDeclaration(f"key_from={self.key_from!r} is not a place; use env:NAME or file:/path")

    @property
    def rate(self) -> Rate:
        """The limits per minute."""
        return Rate(self.requests_per_minute, self.tokens_per_minute)

    @property
    def url(self) -> str:
        """The base URL without a slash at the end."""
        return (self.base_url or _BASE_URLS[self.kind]).rstrip("/")

    def address(self, path: str) -> str:
        """The URL of a path of the interface, with the base URL's query."""
        import httpx  # slow to load: only when a model is called

        url = httpx.URL(self.url)
        base = url.path.rstrip("/")
        return str(url.copy_with(path=base if base.endswith(path) else base + path, fragment=None))

    def is_at(self, *hosts: str) -> bool:
        """Whether the base URL is at one of these hosts or their subdomains."""
        import httpx  # slow to load: only when a model is called

        host = f".{httpx.URL(self.url).host}"
        return any(host.endswith(f".{each}") for each in hosts)

    def find_key(self, model: str, environ: Mapping[str, str]) -> str:
        """The key; empty if the configuration names none.

        Raises:
            ModelRejected: The key is missing; the detail names the variable or file.
        """
        place = self.key_from.partition(":")[2]
        try:
            key = self.key.strip() or (
                resolve(self.key_from, environ, kind="provider-key") if self.key_from else ""
            )
        except SecretMissing as error:
            raise ModelRejected(f"{model} needs a key; set {place} ({error.detail})") from None
        if not (key.isascii() and key.isprintable()):
            raise ModelRejected(
                f"the key for {model} holds characters that no key has; check {place or 'it'}"
            )
        if key:
            learn(key, "provider-key")
        return key

    def sent_headers(self, model: str, environ: Mapping[str, str]) -> dict[str, str]:
        """The headers with the values of their references.

        Raises:
            ModelRejected: A value is missing; the detail names the variable or file.
        """
        try:
            return {name: fill(value, environ) for name, value in self.headers.items()}
        except SecretMissing as error:
            raise ModelRejected(f"a header for {model} needs a secret: {error.detail}") from None


_FIELDS: Final = tuple(each.name for each in fields(ProviderConfig))


def read_providers(given: object) -> dict[str, ProviderConfig]:
    """Read HOLDFAST_PROVIDERS, as JSON text or parsed.

    Raises:
        SettingsInvalid: A field is invalid; the detail names it.
    """
    adapter = TypeAdapter(dict[str, ProviderConfig])
    try:
        return adapter.validate_json(given) if isinstance(given, str) else adapter.validate_python(given)
    except InvalidDeclaration as error:
        raise SettingsInvalid(f"HOLDFAST_PROVIDERS: {error.detail}") from None
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(("HOLDFAST_PROVIDERS", *map(str, problem["loc"])))
        detail = problem["msg"]
        if problem["type"] == "unexpected_keyword_argument":
            detail = no_such("field", [str(problem["loc"][-1])], _FIELDS)
        raise SettingsInvalid(f"{place}: {detail}") from None


def providers_from(environ: Mapping[str, str]) -> dict[str, ProviderConfig]:
    """The providers ``openai`` and ``anthropic``, at OPENAI_BASE_URL and ANTHROPIC_BASE_URL if they are set.

    Their keys are OPENAI_API_KEY and ANTHROPIC_API_KEY, read when a model is first used.
    """
    return {
        kind: ProviderConfig(
            kind,
            base_url=environ.get(f"{kind.upper()}_BASE_URL", ""),
            key_from=f"env:{kind.upper()}_API_KEY",
        )
        for kind in _BASE_URLS
    }
