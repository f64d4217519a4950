"""OpenAI chat completions, which most other servers offer too."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from holdfast_workflows.contracts.agent.spec import OutputSpec, ToolSpec
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.limits import LONGEST_DESCRIPTION, MOST_TOOLS
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry
from holdfast_workflows.contracts.text.unicode import clean, dump_json

from .. import shapes, wire
from ..base import Fragment, ModelRequest
from ..config import ProviderConfig
from ..http.client import HTTPModel
from ..prices import Listing
from . import calls, reply
from .dialects import dialect

# Documented by Google for calls that another model made.
_UNSIGNED = {"google": {"thought_signature": "skip_thought_signature_validator"}}
_USER, _USER_ENDS, _BREAK = b'{"role":"user","content":"', b'"}', rb"\n\n"
_REASONING = b'"reasoning_content":'


class OpenAIModel(HTTPModel):
    """One model behind ``/chat/completions``."""

    wire = "openai"
    _key_header = ("authorization", "Bearer ")
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
        super().__init__(client, provider, model, config, environ, listing, "/chat/completions", {})
        self._head = b'{"model":' + wire.string(model) + b',"messages":['
        self._dialect = dialect(config, model)
        # Whether replies go back with reasoning: known of the server, or seen in one of its replies.
        self._reasons = self._dialect.reasoning
        # OpenAI's newer models refuse the old name, and most other servers know only that.
        self._max_tokens = b',"max_completion_tokens":' if self._dialect.openai else b',"max_tokens":'

    def call_ids(self, entry: ReplyEntry) -> Sequence[str]:
        """See ``Model.call_ids``; a long id is in the ``extra``."""
        extra = self._extra(entry)
        ids = super().call_ids(entry)
        return [_call_extra(extra, index).get("id", ids[index]) for index in range(len(entry.calls))]

    def fragment(self, entry: Entry) -> Fragment:
        """The entry as one message; see ``Model.fragment``."""
        if isinstance(entry, ReplyEntry):
            extra = self._extra(entry)
            data, plain = self._assistant(entry, extra), self._assistant(entry, {}) if extra else b""
            self._reasons = self._reasons or _REASONING in data
            return Fragment(entry.seq, entry.kind, data, wire.estimate(data), len(entry.calls), plain)
        content = wire.content(entry.text)
        if isinstance(entry, ResultEntry):
            id = wire.string(wire.call_id(entry.call_id, self._dialect.id))
            data = b'{"role":"tool","tool_call_id":%b,"content":%b}' % (id, content)
        else:
            data = b'{"role":"user","content":%b}' % content
        return Fragment(entry.seq, entry.kind, data, wire.estimate(data), tool=wire.tool_of(entry))

    def _extra(self, entry: ReplyEntry) -> dict[str, Any]:
        return entry.extra.get(self.wire, {}) if wire.is_own(entry, self.provider) else {}

    def _assistant(self, entry: ReplyEntry, extra: dict[str, Any]) -> bytes:
        has_text = bool(entry.text.strip())
        if not (entry.calls or has_text):
            return b""
        message: dict[str, Any] = {"role": "assistant", "content": clean(entry.text)}
        if entry.calls:
            message["content"] = message["content"] if has_text else None
            message["tool_calls"] = [
                {
                    **_call_extra(extra, index),
                    "id": wire.call_id(call.id, self._dialect.id),
                    "type": "function",
                    "function": {
                        "name": wire.safe_name(call.name),
                        "arguments": wire.arguments(call.arguments),
                    },
                }
                for index, call in enumerate(entry.calls)
            ]
            if self._dialect.signed and not any("extra_content" in call for call in message["tool_calls"]):
                message["tool_calls"][0]["extra_content"] = _UNSIGNED
        return dump_json({**message, **extra.get("message", {})}).encode()

    def tools(self, tools: Sequence[ToolSpec]) -> bytes:
        """The tools as a JSON array; see ``Model.tools``."""
        if not tools:
            return b""
        if self._dialect.openai and len(tools) > MOST_TOOLS:
            raise InvalidDeclaration(
                f"{self.name} takes at most {MOST_TOOLS} tools and the agent has {len(tools)}; remove some"
            )
        functions = [
            {
                "name": tool.name,
                "description": self._description(clean(tool.description)),
                "parameters": shapes.for_openai_tool(tool.parameters),
            }
            for tool in tools
        ]
        return dump_json([{"type": "function", "function": each} for each in functions]).encode()

    def _description(self, text: str) -> str:
        longest = LONGEST_DESCRIPTION if self._dialect.openai else len(text)
        return text if len(text) <= longest else f"{text[: longest - 1]}…"

    def _accumulator(self, request: ModelRequest) -> reply.ChatAccumulator:
        return reply.ChatAccumulator(calls.tool_names(request.tools))

    def body(self, request: ModelRequest) -> bytes:
        """See ``HTTPModel.body``."""
        instructions, output = request.instructions, request.output
        if output is not None and not self._config.structured:
            instructions = f"{instructions}\n\n{shapes.in_words(output)}"
        parts = [self._head, b",".join(self._messages(instructions, request)), b"]"]
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

    def _messages(self, instructions: str, request: ModelRequest) -> list[bytes]:
        """The messages: a user's first and last, and between two replies."""
        messages: list[bytes] = []
        if instructions.strip():
            messages.append(b'{"role":"system","content":%b}' % wire.instructions(instructions))
        last: Fragment | None = None
        for fragment in request.fragments:
            data = fragment.sent(plain=request.plain)
            if not data:
                continue
            before = "" if last is None else last.kind
            if fragment.kind == "reply":
                if before in ("", "reply"):
                    messages.append(_user(wire.GO_ON if before else wire.LEFT_OUT))
                data = self._with_reasoning(data)
            elif fragment.kind != "result":
                if before == "result" and self._dialect.answered:
                    messages.append(b'{"role":"assistant","content":"OK."}')
                elif before not in ("", "reply", "result") and self._dialect.alternating:
                    data = messages.pop()[: -len(_USER_ENDS)] + _BREAK + data[len(_USER) :]
            messages.append(data)
            last = fragment
        if last is not None and last.kind == "reply" and not last.calls:
            messages.append(_user(wire.GO_ON))
        return messages

    def _with_reasoning(self, data: bytes) -> bytes:
        if not self._reasons or _REASONING in data:
            return data
        return data[:-1] + b"," + _REASONING + b'""}'


def _user(text: str) -> bytes:
    return b'{"role":"user","content":%b}' % wire.string(text)


def _call_extra(extra: dict[str, Any], index: int) -> dict[str, Any]:
    calls: list[dict[str, Any]] = extra.get("calls") or []
    return calls[index] if index < len(calls) else {}


def _format(output: OutputSpec) -> bytes:
    schema, strict = shapes.for_openai(output.json_schema)
    form = {"name": wire.safe_name(output.name) or "output", "schema": schema, "strict": strict}
    return dump_json({"type": "json_schema", "json_schema": form}).encode()
