"""Messages, as Anthropic speaks them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx

from holdfast_activities.state.shared import Rate
from holdfast_workflows.contracts.entries import Entry, ReplyEntry, ResultEntry
from holdfast_workflows.contracts.spec import ToolSpec
from holdfast_workflows.contracts.text import clean, dump_json

from . import anthropic_reply, limits, shapes, usage, wire
from .base import Fragment, ModelReply, ModelRequest
from .config import ProviderConfig
from .exchange import ask
from .http import Endpoint
from .prices import listing

WIRE = "anthropic"

_VERSION = "2023-06-01"
_MAX_TOKENS = 16_384  # the interface wants a figure; what current models can write and a reply rarely needs
# Asks the provider to keep what comes before it: the next step reads it at a tenth of the price. There may be
# four: after the tools, the instructions (which differ at a turn's last call), and the last two user messages.
# The next step finds what was kept at the second of these, however many blocks a step adds.
_CACHE = b',"cache_control":{"type":"ephemeral"}}'


class AnthropicModel:
    """One model behind ``/v1/messages``.

    Its fragments are whole messages for replies and content blocks for everything else:
    what stands between two replies is one user message, made when the body is joined.
    """

    wire = WIRE

    def __init__(
        self,
        client: httpx.AsyncClient,
        provider: str,
        model: str,
        config: ProviderConfig,
        environ: Mapping[str, str],
    ) -> None:
        """A client for ``model`` at ``config``.

        Raises:
            ModelRejected: Its key is missing.
        """
        self.name = f"{provider}:{model}"
        self._config = config
        self._listing = listing(provider, model, config.url)
        self._head = b'{"model":' + wire.string(model)
        key = config.find_key(self.name, environ)
        headers = {"anthropic-version": _VERSION, **({"x-api-key": key} if key else {}), **config.headers}
        versioned = httpx.URL(config.url).path.rstrip("/").endswith("/v1")
        url = config.address("/messages" if versioned else "/v1/messages")
        self._endpoint = Endpoint(client, self.name, url, headers, key)

    @property
    def url(self) -> str:
        """Where requests go."""
        return self._endpoint.url

    @property
    def window(self) -> int:
        """The context window in tokens."""
        return self._listing.window

    @property
    def rate(self) -> Rate:
        """The provider's limits per minute as they were configured."""
        return self._config.rate

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars that so many tokens cost at most."""
        return self._listing.most(input_tokens, output_tokens)

    def fragment(self, entry: Entry) -> Fragment:
        """The entry as an assistant message or as a block of a user message."""
        if isinstance(entry, ReplyEntry):
            data = _assistant(entry)
        elif isinstance(entry, ResultEntry):
            data = b'{"type":"tool_result","tool_use_id":%b,"is_error":%b,"content":%b}' % (
                wire.string(wire.safe_name(entry.call_id)),
                b"false" if entry.status == "ok" else b"true",
                wire.string(entry.text),
            )
        else:
            # The interface refuses text that is empty or only space.
            data = b'{"type":"text","text":%b}' % wire.string(entry.text if entry.text.strip() else "(empty)")
        calls = len(entry.calls) if isinstance(entry, ReplyEntry) else 0
        return Fragment(entry.seq, entry.kind, data, wire.estimate(data), calls)

    def tools(self, tools: Sequence[ToolSpec]) -> bytes:
        """The tools as a JSON array."""
        if not tools:
            return b""
        described = [
            {"name": tool.name, "description": clean(tool.description), "input_schema": tool.parameters}
            for tool in tools
        ]
        return dump_json(described).encode()

    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None] | None = None
    ) -> ModelReply:
        """Call the model once; see ``Model.complete``."""
        body = self.body(request)
        gathered = anthropic_reply.Gathered()
        cost, consumed = self._listing.cost, request.consumed
        with usage.noted(consumed, len(body), lambda: gathered.characters, cost):
            answer, headers = await ask(self._endpoint, body, request, gathered, on_text)
            consumed.answered = True
            reply = usage.filled(anthropic_reply.read(self.name, answer, len(body), cost), consumed)
        left = limits.remaining(headers)
        return reply if left is None else replace(reply, remaining=left)

    def body(self, request: ModelRequest) -> bytes:
        """The request's body: fragments joined, nothing of the conversation serialised again."""
        instructions = request.instructions
        schema: dict[str, Any] | None = None
        if request.output is not None:
            if self._config.structured:
                schema = shapes.for_anthropic(request.output.json_schema)
            if schema is None:
                instructions = f"{instructions}\n\n{shapes.told(request.output)}"
        most = _MAX_TOKENS if request.max_tokens is None else request.max_tokens
        parts = [self._head, b',"max_tokens":%d' % most]
        if instructions.strip():
            parts += (b',"system":[{"type":"text","text":', wire.instructions(instructions), _CACHE, b"]")
        if request.tools:
            parts += (b',"tools":', request.tools[:-2], _CACHE, b"]")
            if request.no_calls:
                parts.append(b',"tool_choice":{"type":"none"}')
        if request.temperature is not None:
            parts += (b',"temperature":', json.dumps(request.temperature).encode())
        if schema is not None:
            form = {"format": {"type": "json_schema", "schema": schema}}
            parts += (b',"output_config":', dump_json(form).encode())
        if request.stream:
            parts.append(b',"stream":true')
        parts += (b',"messages":[', _messages(request.fragments), b"]}")
        return b"".join(parts)


def _messages(fragments: Iterable[Fragment]) -> bytes:
    """The messages, with what stands between two replies grouped, and the last blocks of two marked for the cache."""
    messages: list[bytes | list[bytes]] = []
    for fragment in fragments:
        if fragment.kind == "reply":
            if fragment.data:
                messages.append(fragment.data)
        elif messages and isinstance(messages[-1], list):
            messages[-1].append(fragment.data)
        else:
            messages.append([fragment.data])
    asked = [message for message in messages if isinstance(message, list)]
    for blocks in asked[-2:]:
        blocks[-1] = blocks[-1][:-1] + _CACHE
    return b",".join(
        b'{"role":"user","content":[' + b",".join(message) + b"]}" if isinstance(message, list) else message
        for message in messages
    )


def _assistant(entry: ReplyEntry) -> bytes:
    """The reply as a message; nothing for an empty one, which the interface refuses."""
    made = {call.id for call in entry.calls}
    verbatim: list[dict[str, Any]] = entry.extra.get(WIRE, {}).get("content", [])
    # Of more calls than a step may make only the first are in the entry, and the others get no result.
    blocks = [block for block in verbatim if block["type"] != "tool_use" or block["id"] in made]
    if not blocks:
        if entry.text.strip():
            blocks = [{"type": "text", "text": clean(entry.text)}]
        blocks += [
            {
                "type": "tool_use",
                "id": wire.safe_name(call.id),
                "name": wire.safe_name(call.name),
                "input": json.loads(wire.arguments(call.arguments)),
            }
            for call in entry.calls
        ]
    return dump_json({"role": "assistant", "content": blocks}).encode() if blocks else b""
