"""Chat completions, as OpenAI and most other servers speak them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx

from holdfast_activities.state.coordination.bucket import Rate
from holdfast_workflows.contracts.agent.spec import OutputSpec, ToolSpec
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.limits import LONGEST_DESCRIPTION, MOST_TOOLS
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, ToolCall
from holdfast_workflows.contracts.text.unicode import clean, dump_json

from .. import limits, shapes, usage, wire
from ..base import Fragment, ModelReply, ModelRequest
from ..config import ProviderConfig
from ..dialects import dialect
from ..http.exchange import ask
from ..http.http import Endpoint
from ..prices import listing
from . import calls as openai_calls
from . import reply as openai_reply

WIRE = "openai"

# Documented by Google for calls that another model made.
_UNSIGNED = {"google": {"thought_signature": "skip_thought_signature_validator"}}
_USER, _USER_ENDS, _BREAK = b'{"role":"user","content":"', b'"}', rb"\n\n"
_REASONING = b'"reasoning_content":'


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
        self._provider = provider
        self._head = b'{"model":' + wire.string(model) + b',"messages":['
        self._dialect = dialect(config, model)
        # Whether replies come back with reasoning: known of the server, or seen in a reply of its own.
        self._reasons = self._dialect.reasoning
        # OpenAI's newer models refuse the old name, and most other servers know only that.
        self._max_tokens = b',"max_completion_tokens":' if self._dialect.openai else b',"max_tokens":'
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

    @property
    def provider(self) -> str:
        """Who serves it."""
        return self._provider

    def call_ids(self, entry: ReplyEntry) -> Sequence[str]:
        """See ``Model.call_ids``."""
        kept = self._kept(entry)
        return [
            _of_call(kept, index, call).get("id", call.id) if wire.is_own(entry, self._provider) else ""
            for index, call in enumerate(entry.calls)
        ]

    def fragment(self, entry: Entry) -> Fragment:
        """The entry as one message; nothing for an empty reply, which many servers refuse."""
        if isinstance(entry, ReplyEntry):
            kept = self._kept(entry)
            data, plain = self._assistant(entry, kept), self._assistant(entry, {}) if kept else b""
            self._reasons = self._reasons or _REASONING in data
            return Fragment(entry.seq, entry.kind, data, wire.estimate(data), len(entry.calls), plain)
        content = wire.said(entry.text)
        if isinstance(entry, ResultEntry):
            data = b'{"role":"tool","tool_call_id":%b,"content":%b}' % (
                wire.string(wire.call_id(entry.call_id, self._dialect.id)),
                content,
            )
        else:
            data = b'{"role":"user","content":%b}' % content
        return Fragment(entry.seq, entry.kind, data, wire.estimate(data))

    def _kept(self, entry: ReplyEntry) -> dict[str, Any]:
        """What the reply carried, if it is for this provider."""
        return entry.extra.get(WIRE, {}) if wire.is_own(entry, self._provider) else {}

    def _assistant(self, entry: ReplyEntry, kept: dict[str, Any]) -> bytes:
        if not (entry.calls or entry.text.strip()):
            return b""
        message: dict[str, Any] = {"role": "assistant", "content": clean(entry.text)}
        if entry.calls:
            message["content"] = message["content"] if entry.text.strip() else None
            message["tool_calls"] = [
                {
                    **_of_call(kept, index, call),
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
        return dump_json({**message, **kept.get("message", {})}).encode()

    def tools(self, tools: Sequence[ToolSpec]) -> bytes:
        """The tools as a JSON array.

        Raises:
            InvalidDeclaration: There are more than OpenAI takes.
        """
        if not tools:
            return b""
        if self._dialect.openai and len(tools) > MOST_TOOLS:
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
        longest = LONGEST_DESCRIPTION if self._dialect.openai else len(text)
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
        """The messages, a user's first and last, and between two replies."""
        found: list[bytes] = []
        if instructions.strip():
            found.append(b'{"role":"system","content":%b}' % wire.instructions(instructions))
        last: Fragment | None = None
        for fragment in request.fragments:
            data = fragment.sent(plain=request.plain)
            if not data:
                continue
            before = "" if last is None else last.kind
            if fragment.kind == "reply":
                if before in ("", "reply"):
                    found.append(_user(wire.GO_ON if before else wire.LEFT_OUT))
                data = self._with_reasoning(data)
            elif fragment.kind != "result":
                if before == "result" and self._dialect.answered:
                    found.append(b'{"role":"assistant","content":"OK."}')
                elif before not in ("", "reply", "result") and self._dialect.alternating:
                    data = found.pop()[: -len(_USER_ENDS)] + _BREAK + data[len(_USER) :]
            found.append(data)
            last = fragment
        if last is not None and last.kind == "reply" and not last.calls:
            found.append(_user(wire.GO_ON))
        return found

    def _with_reasoning(self, data: bytes) -> bytes:
        if not self._reasons or _REASONING in data:
            return data
        return data[:-1] + b"," + _REASONING + b'""}'


def _user(text: str) -> bytes:
    return b'{"role":"user","content":%b}' % wire.string(text)


def _of_call(kept: dict[str, Any], index: int, call: ToolCall) -> dict[str, Any]:
    """What came with a call: by its place, in older logs by its id."""
    calls: Any = kept.get("calls") or []
    place: Any = call.id
    if isinstance(calls, list):
        calls, place = dict(enumerate(calls)), index  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - JSON
    found: dict[str, Any] = calls.get(place) or {}
    return found


def _format(output: OutputSpec) -> bytes:
    schema, strict = shapes.for_openai(output.json_schema)
    form = {"name": wire.safe_name(output.name) or "output", "schema": schema, "strict": strict}
    return dump_json({"type": "json_schema", "json_schema": form}).encode()
