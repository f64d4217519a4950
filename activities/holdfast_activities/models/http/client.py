"""A model behind an HTTP endpoint."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import httpx

from .. import limits, usage
from ..base import Model, ModelReply, ModelRequest
from ..config import ProviderConfig
from ..errors import errors
from ..prices import Listing
from .exchange import UNREADABLE, Accumulator, exchange
from .http import Endpoint


class HTTPModel(Model):
    """A model that takes one POST request per call and answers whole or as a stream."""

    _key_header: ClassVar[tuple[str, str]]
    """The header that carries the key, and the prefix of its value."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        provider: str,
        model: str,
        config: ProviderConfig,
        environ: Mapping[str, str],
        listing: Listing,
        path: str,
        headers: Mapping[str, str],
    ) -> None:
        """A client for ``model`` at ``path`` of ``config``'s base URL.

        Raises:
            ModelRejected: The key is missing.
        """
        name = f"{provider}:{model}"
        super().__init__(name, provider, listing, config.rate)
        self._config = config
        key = config.find_key(name, environ)
        header, prefix = self._key_header
        headers = {**headers, **({header: prefix + key} if key else {}), **config.sent_headers(name, environ)}
        self._endpoint = Endpoint(client, name, config.address(path), headers, key)

    @property
    def url(self) -> str:
        """The URL that receives the requests."""
        return self._endpoint.url

    @abstractmethod
    def body(self, request: ModelRequest) -> bytes:
        """Join the fragments into a request body; nothing of the conversation is serialised again."""

    @abstractmethod
    def _accumulator(self, request: ModelRequest) -> Accumulator: ...

    @staticmethod
    @abstractmethod
    def _parse(name: str, answer: dict[str, Any]) -> usage.Answer: ...

    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None] | None = None
    ) -> ModelReply:
        """Call the model once; see ``Model.complete``."""
        body, consumed, cost = self.body(request), request.consumed, self._listing.cost
        accumulator = self._accumulator(request)
        with usage.noted(consumed, len(body), lambda: accumulator.characters, cost):
            answer, headers = await exchange(self._endpoint, body, request, accumulator, on_text)
            consumed.answered = True
            parsed = read(self._parse, self.name, answer)
            reply = parsed.reply(self.name, len(body), cost, limits.remaining(headers))
            return usage.filled(reply, consumed)


def read(
    parse: Callable[[str, dict[str, Any]], usage.Answer], name: str, answer: dict[str, Any]
) -> usage.Answer:
    """Parse the answer of the model ``name``.

    Raises:
        MalformedReply: The answer has an unknown shape.
        ModelTransient: The answer broke off.
    """
    try:
        return parse(name, answer)
    except UNREADABLE as error:
        what = f"the answer has an unknown shape ({type(error).__name__}: {error})"
        raise errors.malformed(name, what) from None
