"""Chat completions, as OpenAI and most other servers speak them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx

from holdfast_activities.state.shared import Rate
from holdfast_workflows.contracts.entries import Entry, ReplyEntry, ResultEntry
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.limits import LONGEST_DESCRIPTION, MOST_TOOLS
from holdfast_workflows.contracts.spec import OutputSpec, ToolSpec
from holdfast_workflows.contracts.text import clean, dump_json

from . import limits, openai_calls, openai_reply, shapes, usage, wire
from .base import Fragment, ModelReply, ModelRequest
from .config import ProviderConfig
from .exchange import ask
from .http import Endpoint
from .prices import listing

WIRE = "openai"

AZURE = (
    "openai.azure.com",
    "services.ai.azure.com",
    "cognitiveservices.azure.com",
    "openai.azure.us",
    "cognitiveservices.azure.us",
    "openai.azure.cn",
    "cognitiveservices.azure.cn",
)
"""Hosts at which Azure serves OpenAI's models."""


class OpenAIModel:
    """One model behind ``/chat/completions``."""

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
        self._model = model
        self._config = config
        self._listing = listing(provider, model, config.url)
        self._head = b'{"model":' + wire.string(model) + b',"messages":[{"role":"system","content":'
        # OpenAI's newer models refuse the old name, and most other servers know only that.
        self._strict = config.is_at("openai.com", *AZURE)
        self._max_tokens = b',"max_completion_tokens":' if self._strict else b',"max_tokens":'
        key = config.find_key(self.name, environ)
        headers = {**({"authorization": f"Bearer {key}"} if key else {}), **config.headers}
        self._endpoint = Endpoint(client, self.name, config.address("/chat/completions"), headers, key)

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
        """The entry as one message."""
        if isinstance(entry, ReplyEntry):
            data = _assistant(entry)
        elif isinstance(entry, ResultEntry):
            content = wire.string(entry.text)
            data = b'{"role":"tool","tool_call_id":%b,"content":%b}' % (wire.string(entry.call_id), content)
        else:
            data = b'{"role":"user","content":%b}' % wire.string(entry.text)
        calls = len(entry.calls) if isinstance(entry, ReplyEntry) else 0
        return Fragment(entry.seq, entry.kind, data, wire.estimate(data), calls)

    def tools(self, tools: Sequence[ToolSpec]) -> bytes:
        """The tools as a JSON array.

        Raises:
            InvalidDeclaration: There are more than OpenAI takes.
        """
        if not tools:
            return b""
        if self._strict and len(tools) > MOST_TOOLS:
            raise InvalidDeclaration(
                f"{self.name} takes at most {MOST_TOOLS} tools and the agent has {len(tools)}; leave some out"
            )
        described = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": self._described(clean(tool.description)),
                    "parameters": shapes.for_openai_tool(tool.parameters),
                },
            }
            for tool in tools
        ]
        return dump_json(described).encode()

    def _described(self, text: str) -> str:
        longest = LONGEST_DESCRIPTION if self._strict else len(text)
        return text if len(text) <= longest else f"{text[: longest - 1]}…"

    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None] | None = None
    ) -> ModelReply:
        """Call the model once; see ``Model.complete``."""
        body = self.body(request)
        gathered = openai_reply.Gathered(openai_calls.names_of(request.tools))
        cost, consumed = self._listing.cost, request.consumed
        with usage.noted(consumed, len(body), lambda: gathered.characters, cost):
            answer, headers = await ask(self._endpoint, body, request, gathered, on_text)
            consumed.answered = True
            reply = usage.filled(openai_reply.read(self.name, answer, len(body), cost), consumed)
        left = limits.remaining(headers)
        return reply if left is None else replace(reply, remaining=left)

    def body(self, request: ModelRequest) -> bytes:
        """The request's body: fragments joined, nothing of the conversation serialised again."""
        instructions = request.instructions
        output = request.output
        if output is not None and not self._config.structured:
            instructions = f"{instructions}\n\n{shapes.told(output)}"
        parts = [self._head, wire.instructions(instructions), b"}"]
        for fragment in request.fragments:
            parts += (b",", fragment.data)
        parts.append(b"]")
        if request.tools:
            parts += (b',"tools":', request.tools)
            if request.no_calls:
                parts.append(b',"tool_choice":"none"')
        if output is not None and self._config.structured:
            parts += (b',"response_format":', _format(output))
        if request.max_tokens is not None:
            parts += (self._max_tokens, b"%d" % request.max_tokens)
        if request.temperature is not None:
            parts += (b',"temperature":', json.dumps(request.temperature).encode())
        parts.append(b',"stream":true,"stream_options":{"include_usage":true}}' if request.stream else b"}")
        return b"".join(parts)


def _assistant(entry: ReplyEntry) -> bytes:
    kept: dict[str, Any] = entry.extra.get(WIRE, {})
    message: dict[str, Any] = {"role": "assistant", "content": clean(entry.text)}
    if entry.calls:
        message["content"] = message["content"] or None
        message["tool_calls"] = [
            {
                "id": clean(call.id),
                "type": "function",
                "function": {"name": wire.safe_name(call.name), "arguments": wire.arguments(call.arguments)},
                **kept.get("calls", {}).get(call.id, {}),
            }
            for call in entry.calls
        ]
    return dump_json({**message, **kept.get("message", {})}).encode()


def _format(output: OutputSpec) -> bytes:
    schema, strict = shapes.for_openai(output.json_schema)
    form = {"name": wire.safe_name(output.name) or "output", "schema": schema, "strict": strict}
    return dump_json({"type": "json_schema", "json_schema": form}).encode()
