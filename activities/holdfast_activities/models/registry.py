"""Model clients by name, each made once."""

from __future__ import annotations  # httpx is loaded with the first model

import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from holdfast_workflows.contracts.errors import InvalidDeclaration

from .base import Model
from .config import ProviderConfig
from .own_prices import OwnPrices, own_price
from .prices import Listing, listing

if TYPE_CHECKING:
    import httpx

_ANY = "pydantic-ai"


class Models:
    """The models that a worker can call, over one pool of connections."""

    def __init__(
        self,
        providers: Mapping[str, ProviderConfig],
        environ: Mapping[str, str] | None = None,
        prices: OwnPrices | None = None,
    ) -> None:
        """Models of ``providers`` by name; ``environ`` (default: the process's) holds the ``env:`` keys.

        ``prices`` come before those of the list.
        """
        self._providers = providers
        self._prices = prices or {}
        self._environ = os.environ if environ is None else environ
        self._client: httpx.AsyncClient | None = None
        self._open = AsyncExitStack()
        self._models: dict[str, Model] = {}

    def get(self, name: str) -> Model:
        """The model ``provider:model``; the first use reads its key and price.

        Raises:
            InvalidDeclaration: The provider is unknown, or the name has another form.
            ModelRejected: The provider's key is missing.
        """
        if name not in self._models:
            self._models[name] = self._make(name)
        return self._models[name]

    def check(self, name: str) -> None:
        """Check a model's provider and key without loading the client; raises the errors of ``get``."""
        provider, _model = self._split(name)
        if provider == _ANY:
            self.get(name)
        else:
            config = self._providers[provider]
            config.find_key(name, self._environ)
            config.sent_headers(name, self._environ)

    def has_price(self, name: str) -> bool:
        """Whether the price of a model is known; raises the errors of ``get``."""
        provider, model = self._split(name)
        return self.get(name).priced if provider == _ANY else self._listing(provider, model).priced

    def _listing(self, provider: str, model: str) -> Listing:
        own = own_price(self._prices, f"{provider}:{model}")
        return listing(provider, model, self._providers[provider].url, own)

    def _split(self, name: str) -> tuple[str, str]:
        provider, _, model = name.partition(":")
        if not model or (provider != _ANY and provider not in self._providers):
            known = ", ".join(f"{known}:…" for known in (*sorted(self._providers), _ANY))
            raise InvalidDeclaration(f"{name!r} is not a model; a name is one of {known}")
        return provider, model

    def _make(self, name: str) -> Model:
        provider, model = self._split(name)
        if provider == _ANY:
            return self._any(model)
        # httpx and the clients are slow to load: only when a model is called.
        from .http.http import make_client

        config, listed = self._providers[provider], self._listing(provider, model)
        if self._client is None:
            self._client = make_client()
            self._open.push_async_callback(self._client.aclose)
        if config.kind == "openai":
            from .openai.client import OpenAIModel

            return OpenAIModel(self._client, provider, model, config, self._environ, listed)
        from .anthropic.client import AnthropicModel

        return AnthropicModel(self._client, provider, model, config, self._environ, listed)

    def _any(self, name: str) -> Model:
        try:
            # The extra that it needs is optional.
            from .pydantic_ai import PydanticAIModel
        except ImportError:
            raise InvalidDeclaration(
                f"{_ANY}:{name} needs an extra; pip install 'holdfast[pydantic-ai]'"
            ) from None
        model = PydanticAIModel(name, own_price(self._prices, f"{_ANY}:{name}"))
        self._open.push_async_callback(model.close)
        return model

    async def close(self) -> None:
        """Close all connections; the models cannot be used after this."""
        self._models.clear()
        self._client = None
        await self._open.aclose()
