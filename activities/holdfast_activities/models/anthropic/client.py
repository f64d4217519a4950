"""The Anthropic messages interface."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, ToolCall
from holdfast_workflows.contracts.text.unicode import clean, dump_json

from .. import shapes, wire
from ..base import Fragment, ModelRequest
from ..config import ProviderConfig
from ..http.client import HTTPModel
from ..prices import Listing
from . import reply

_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_VERSION = "2023-06-01"
_MAX_TOKENS = 16_384  # the interface requires a figure; current models can write so much and rarely need it
# Asks the provider to cache what comes before it: the next step reads it at a tenth of the price. There may be
# four: after the tools, the instructions (which differ at a turn's last call), and the last two user messages.
# The next step finds the cache of the second of these, however many blocks a step adds.
_CACHE = b',"cache_control":{"type":"ephemeral"}}'
# The interface requires tools if a conversation mentions some, also if a model made up a call.
_NO_TOOLS = (
    b',"tools":[{"name":"none","description":"There are no tools.","input_schema":{"type":"object"}}],'
    b'"tool_choice":{"type":"none"}'
)


class AnthropicModel(HTTPModel):
    """One model behind ``/v1/messages``.

    A reply's fragment is a whole message. Any other fragment is a content block: what stands
    between two replies is one user message, made when the body is joined.
    """

    wire = "anthropic"
    _key_header = ("x-api-key", "")
    _parse = staticmethod(reply.parse)

    def __init__(
        self,
        client: httpx.AsyncClient,
        provider: str,
        model: str,
        config: ProviderConfig,
        environ: Mapping[str, str],
        listing: Listing,
    ) -> None:
        """See ``HTTPModel``."""
        versioned = httpx.URL(config.url).path.rstrip("/").endswith("/v1")
        path = "/messages" if versioned else "/v1/messages"
        super().__init__(
            client, provider, model, config, environ, listing, path, {"anthropic-version": _VERSION}
        )
        self._head = b'{"model":' + wire.string(model)

    def fragment(self, entry: Entry) -> Fragment:
        """The entry as an assistant message or as a block of a user message; see ``Model.fragment``."""
        if isinstance(entry, ReplyEntry):
            own: dict[str, Any] = entry.extra.get(self.wire, {}) if wire.is_own(entry, self.provider) else {}
            verbatim = _assistant(_verbatim(entry, own.get("content", [])))
            plain = _assistant(_blocks(entry))
            data = verbatim or plain
            kept = plain if verbatim else b""
            return Fragment(entry.seq, entry.kind, data, wire.estimate(data), len(entry.calls), kept)
        if isinstance(entry, ResultEntry):
            data = b'{"type":"tool_result","tool_use_id":%b,"is_error":%b,"content":%b}' % (
                wire.string(wire.call_id(entry.call_id, _ID)),
                b"false" if entry.status == "ok" else b"true",
                wire.content(entry.text),
            )
        else:
            data = b'{"type":"text","text":%b}' % wire.content(entry.text)
        return Fragment(entry.seq, entry.kind, data, wire.estimate(data), tool=wire.tool_of(entry))

    def tools(self, tools: Sequence[ToolSpec]) -> bytes:
        """The tools as a JSON array; see ``Model.tools``."""
        if not tools:
            return b""
        described = [
            {"name": tool.name, "description": clean(tool.description), "input_schema": tool.parameters}
            for tool in tools
        ]
        return dump_json(described).encode()

    def _accumulator(self, request: ModelRequest) -> reply.MessageAccumulator:
        return reply.MessageAccumulator()

    def body(self, request: ModelRequest) -> bytes:
        """See ``HTTPModel.body``."""
        instructions = request.instructions
        schema: dict[str, Any] | None = None
        if request.output is not None:
            if self._config.structured:
                schema = shapes.for_anthropic(request.output.json_schema)
            if schema is None:
                instructions = f"{instructions}\n\n{shapes.in_words(request.output)}"
        max_tokens = _MAX_TOKENS if request.max_tokens is None else request.max_tokens
        parts = [self._head, b',"max_tokens":%d' % max_tokens]
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
    """The messages: blocks between two replies grouped, the last blocks of the last two user messages marked."""
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
    users = [message for message in messages if isinstance(message, list)]
    for blocks in users[-2:]:
        blocks[-1] = blocks[-1][:-1] + _CACHE
    return b",".join(
        b'{"role":"user","content":[' + b",".join(message) + b"]}" if isinstance(message, list) else message
        for message in messages
    )


def _text(text: str) -> bytes:
    return b'{"type":"text","text":%b}' % wire.string(text)


def _assistant(blocks: list[dict[str, Any]]) -> bytes:
    return dump_json({"role": "assistant", "content": blocks}).encode() if blocks else b""


def _blocks(entry: ReplyEntry) -> list[dict[str, Any]]:
    text = [{"type": "text", "text": clean(entry.text)}] if entry.text.strip() else []
    return [*text, *(_tool_use(call) for call in entry.calls)]


def _tool_use(call: ToolCall) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": wire.call_id(call.id, _ID),
        "name": wire.safe_name(call.name),
        "input": json.loads(wire.arguments(call.arguments)),
    }


def _verbatim(entry: ReplyEntry, given: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks as the provider sent them, with the entry's calls; empty if a call is missing."""
    blocks: list[dict[str, Any]] = []
    calls = list(entry.calls)
    for block in given:
        if block.get("type") == "tool_use":
            # The entry holds only the first calls if there were more than a step may make. Others get no result.
            if calls:
                blocks.append({**block, **_tool_use(calls.pop(0))})
        elif not _is_empty(block):
            blocks.append(block)
    return [] if calls else blocks


def _is_empty(block: dict[str, Any]) -> bool:
    """Whether the interface would refuse a block because it has no content."""
    match block.get("type"):
        case "text":
            return not str(block.get("text") or "").strip()
        case "thinking":
            return not (block.get("thinking") or block.get("signature"))
        case "redacted_thinking":
            return not block.get("data")
        case _:
            return False
