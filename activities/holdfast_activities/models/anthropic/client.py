"""Messages, as Anthropic speaks them."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx

from holdfast_activities.state.coordination.bucket import Rate
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, ToolCall
from holdfast_workflows.contracts.text.unicode import clean, dump_json

from .. import limits, shapes, usage, wire
from ..base import Fragment, ModelReply, ModelRequest
from ..config import ProviderConfig
from ..http.exchange import ask
from ..http.http import Endpoint
from ..prices import listing
from . import reply as anthropic_reply

WIRE = "anthropic"

_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_VERSION = "2023-06-01"
_MAX_TOKENS = 16_384  # the interface wants a figure; what current models can write and a reply rarely needs
# Asks the provider to keep what comes before it: the next step reads it at a tenth of the price. There may be
# four: after the tools, the instructions (which differ at a turn's last call), and the last two user messages.
# The next step finds what was kept at the second of these, however many blocks a step adds.
_CACHE = b',"cache_control":{"type":"ephemeral"}}'


# The interface wants tools where a conversation speaks of some, also where a model made up a call.
_NO_TOOLS = (
    b',"tools":[{"name":"none","description":"There are no tools.","input_schema":{"type":"object"}}],'
    b'"tool_choice":{"type":"none"}'
)


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
        self._provider = provider
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

    @property
    def provider(self) -> str:
        """Who serves it."""
        return self._provider

    def call_ids(self, entry: ReplyEntry) -> Sequence[str]:
        """See ``Model.call_ids``."""
        return [call.id if wire.is_own(entry, self._provider) else "" for call in entry.calls]

    def fragment(self, entry: Entry) -> Fragment:
        """The entry as an assistant message or as a block of a user message."""
        if isinstance(entry, ReplyEntry):
            plain = _assistant(entry, _blocks(entry))
            own: dict[str, Any] = entry.extra.get(WIRE, {}) if wire.is_own(entry, self._provider) else {}
            verbatim = _verbatim(entry, own.get("content", []))
            data = _assistant(entry, verbatim) if verbatim else plain
            return Fragment(
                entry.seq, entry.kind, data, wire.estimate(data), len(entry.calls), plain if verbatim else b""
            )
        if isinstance(entry, ResultEntry):
            data = b'{"type":"tool_result","tool_use_id":%b,"is_error":%b,"content":%b}' % (
                wire.string(wire.call_id(entry.call_id, _ID)),
                b"false" if entry.status == "ok" else b"true",
                wire.said(entry.text),
            )
        else:
            data = b'{"type":"text","text":%b}' % wire.said(entry.text)
        return Fragment(entry.seq, entry.kind, data, wire.estimate(data))

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
        parts.append(_tools(request))
        if request.temperature is not None:
            parts += (b',"temperature":', json.dumps(request.temperature).encode())
        if schema is not None:
            form = {"format": {"type": "json_schema", "schema": schema}}
            parts += (b',"output_config":', dump_json(form).encode())
        if request.stream:
            parts.append(b',"stream":true')
        parts += (b',"messages":[', _messages(request), b"]}")
        return b"".join(parts)


def _tools(request: ModelRequest) -> bytes:
    if request.tools:
        choice = b',"tool_choice":{"type":"none"}' if request.no_calls else b""
        return b',"tools":' + request.tools[:-2] + _CACHE + b"]" + choice
    return _NO_TOOLS if any(fragment.calls for fragment in request.fragments) else b""


def _messages(request: ModelRequest) -> bytes:
    """The messages, with what stands between two replies grouped, and the last blocks of two marked for the cache."""
    messages: list[bytes | list[bytes]] = []
    last: Fragment | None = None
    for fragment in request.fragments:
        data = fragment.sent(plain=request.plain)
        if not data:
            continue
        if fragment.kind == "reply":
            if last is None or last.kind == "reply":
                messages.append([_text(wire.LEFT_OUT if last is None else wire.GO_ON)])
            messages.append(data)
        elif messages and isinstance(messages[-1], list):
            messages[-1].append(data)
        else:
            messages.append([data])
        last = fragment
    if last is not None and last.kind == "reply" and not last.calls:
        messages.append([_text(wire.GO_ON)])
    asked = [message for message in messages if isinstance(message, list)]
    for blocks in asked[-2:]:
        blocks[-1] = blocks[-1][:-1] + _CACHE
    return b",".join(
        b'{"role":"user","content":[' + b",".join(message) + b"]}" if isinstance(message, list) else message
        for message in messages
    )


def _text(text: str) -> bytes:
    return b'{"type":"text","text":%b}' % wire.string(text)


def _assistant(entry: ReplyEntry, blocks: list[dict[str, Any]]) -> bytes:
    """The reply as a message; nothing for an empty one, which the interface refuses."""
    return dump_json({"role": "assistant", "content": blocks}).encode() if blocks else b""


def _blocks(entry: ReplyEntry) -> list[dict[str, Any]]:
    """The reply's own text and calls."""
    said = [{"type": "text", "text": clean(entry.text)}] if entry.text.strip() else []
    return [*said, *(_use(call) for call in entry.calls)]


def _use(call: ToolCall) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": wire.call_id(call.id, _ID),
        "name": wire.safe_name(call.name),
        "input": json.loads(wire.arguments(call.arguments)),
    }


def _verbatim(entry: ReplyEntry, given: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks as they were given, with the calls that were taken as the entry has them; none if some are missing."""
    found: list[dict[str, Any]] = []
    calls = iter(entry.calls)
    taken = 0
    for block in given:
        kind = block.get("type")
        if kind == "tool_use":
            # Of more calls than a step may make only the first are in the entry, and the others get no result.
            call = next(calls, None)
            if call is not None:
                found.append({**block, **_use(call)})
                taken += 1
        elif not _is_empty(block):
            found.append(block)
    return found if taken == len(entry.calls) else []


def _is_empty(block: dict[str, Any]) -> bool:
    """Whether the interface would refuse a block for what it does not say."""
    match block.get("type"):
        case "text":
            return not str(block.get("text") or "").strip()
        case "thinking":
            return not (block.get("thinking") or block.get("signature"))
        case "redacted_thinking":
            return not block.get("data")
        case _:
            return False
