"""Which providers there are, and where their keys come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from holdfast_activities.state.shared import Rate
from holdfast_workflows.contracts.errors import ModelRejected

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
        base_url: Where ``/chat/completions`` (OpenAI) or ``/v1/messages`` (Anthropic) is found; empty for the
            provider's own.
        key: The API key itself; never shown.
        key_from: Where the key is if it is not given: ``env:NAME`` or ``file:/path``. Both empty sends none.
        headers: Sent with each request.
        structured: Whether the server can bind a reply to a JSON schema; if not, the model is told the schema.
        requests_per_minute: What all workers together may ask of it; None for no limit of ours.
        tokens_per_minute: What all workers together may have it read and write; None for no limit of ours.
    """

    kind: Kind
    base_url: str = ""
    key: str = field(default="", repr=False)
    key_from: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    structured: bool = True
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None

    @property
    def rate(self) -> Rate:
        """Its limits per minute."""
        return Rate(self.requests_per_minute, self.tokens_per_minute)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return (self.base_url or _BASE_URLS[self.kind]).rstrip("/")

    def find_key(self, model: str, environ: Mapping[str, str]) -> str:
        """The key, or nothing if none is wanted.

        Raises:
            ModelRejected: A key is wanted and not there; the detail names the variable or file.
        """
        kind, _, place = self.key_from.partition(":")
        key = self.key
        if not key and kind == "env":
            key = environ.get(place, "")
        elif not key and kind == "file":
            try:
                key = Path(place).read_text()
            except OSError as error:
                raise ModelRejected(f"the key for {model} should be in {place}: {error.strerror}") from None
        key = key.strip()
        if self.key_from and not key:
            raise ModelRejected(f"{model} needs a key; set {place}")
        if not (key.isascii() and key.isprintable()):
            raise ModelRejected(
                f"the key for {model} holds characters that no key has; check {place or 'it'}"
            )
        return key


def providers_from(environ: Mapping[str, str]) -> dict[str, ProviderConfig]:
    """The providers ``openai`` and ``anthropic`` as OPENAI_BASE_URL and ANTHROPIC_BASE_URL place them.

    Their keys are OPENAI_API_KEY and ANTHROPIC_API_KEY, read when a model is first used.
    """
    return {
        "openai": ProviderConfig(
            "openai", base_url=environ.get("OPENAI_BASE_URL", ""), key_from="env:OPENAI_API_KEY"
        ),
        "anthropic": ProviderConfig(
            "anthropic", base_url=environ.get("ANTHROPIC_BASE_URL", ""), key_from="env:ANTHROPIC_API_KEY"
        ),
    }
