"""Every other provider, through pydantic-ai: the optional extra ``holdfast[pydantic-ai]``.

This is not the hot path: the conversation is built again for each call.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from pydantic_ai import direct
from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    UnexpectedModelBehavior,
    UserError,
)
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.messages import ModelRequest as Asked
from pydantic_ai.models import ModelRequestParameters, infer_model
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from holdfast_activities.state.coordination.bucket import Rate
from holdfast_workflows.contracts import errors as contract
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.session.entries import (
    Entry,
    Finish,
    ReplyEntry,
    ResultEntry,
    ToolCall,
    Usage,
)
from holdfast_workflows.contracts.text.unicode import dump_json

from . import arguments, finish, usage, wire
from .base import Fragment, ModelReply, ModelRequest
from .errors import errors
from .prices import Cost, listing

WIRE = "pydantic-ai"

_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)
_TOOLS: TypeAdapter[list[ToolSpec]] = TypeAdapter(list[ToolSpec])
_MEANT: tuple[tuple[type[Exception], type[contract.ModelError]], ...] = (
    (ModelContextWindowExceededError, contract.ContextTooLong),
    (ContentFilterError, contract.ContentFiltered),
    (ModelRateLimitError, contract.RateLimited),
    (ModelRequestRejectedError, contract.ModelRejected),
    (ModelQuotaExceededError, contract.ProviderQuota),
    (ModelConnectionError, contract.ModelTransient),
    (UserError, contract.ModelRejected),
)


class PydanticAIModel:
    """One model that pydantic-ai knows; its fragments are entries, cleaned."""

    wire = WIRE

    def __init__(self, model: str) -> None:
        """A client for ``model``, ``provider:name`` in pydantic-ai's words.

        Raises:
            ModelRejected: pydantic-ai does not know it, or misses its key.
        """
        self.name = f"{WIRE}:{model}"
        try:
            self._model = infer_model(model)
        except (UserError, ImportError, ValueError) as error:
            raise contract.ModelRejected(f"{self.name}: {errors.sanitise(str(error))}") from None
        self._listing = listing(self._model.system, self._model.model_name, self._model.base_url or "")

    @property
    def window(self) -> int:
        """The context window in tokens."""
        return self._listing.window

    @property
    def rate(self) -> Rate:
        """None: what is not configured here is not limited here."""
        return Rate()

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars that so many tokens cost at most."""
        return self._listing.most(input_tokens, output_tokens)

    async def close(self) -> None:
        """Close its connections."""
        # pydantic-ai closes what a provider holds when the last context of the model ends.
        async with self._model:
            pass

    @property
    def provider(self) -> str:
        """Who serves it."""
        return self.name.rpartition(":")[0] if self.name.count(":") > 1 else self.name

    def call_ids(self, entry: ReplyEntry) -> Sequence[str]:
        """See ``Model.call_ids``."""
        return [call.id if wire.is_own(entry, self.provider) else "" for call in entry.calls]

    def fragment(self, entry: Entry) -> Fragment:
        """The entry itself, with what it carried only if that is for this provider."""
        text = wire.received(entry.text)
        if not isinstance(entry, ReplyEntry):
            data = _dump(entry.model_copy(update={"text": text if text.strip() else wire.EMPTY}))
            return Fragment(entry.seq, entry.kind, data, wire.estimate(data))
        if not (entry.calls or text.strip()):
            return Fragment(entry.seq, entry.kind, b"", wire.estimate(b""))
        plain = _dump(entry.model_copy(update={"text": text, "extra": {}}))
        own = WIRE in entry.extra and wire.is_own(entry, self.provider)
        data = _dump(entry.model_copy(update={"text": text})) if own else plain
        return Fragment(
            entry.seq, entry.kind, data, wire.estimate(data), len(entry.calls), plain if own else b""
        )

    def tools(self, tools: Sequence[ToolSpec]) -> bytes:
        """The tools' specs."""
        return _TOOLS.dump_json(list(tools)) if tools else b""

    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None] | None = None
    ) -> ModelReply:
        """Call the model once; see ``Model.complete``."""
        messages = _messages(request)
        settings = ModelSettings(timeout=request.timeout, max_retries=0)
        if request.no_calls:
            settings["tool_choice"] = "none"
        if request.max_tokens is not None:
            settings["max_tokens"] = request.max_tokens
        if request.temperature is not None:
            settings["temperature"] = request.temperature
        sent, shown, consumed = _size(request), [""], request.consumed
        with usage.noted(consumed, sent, lambda: len(shown[0]), self._listing.cost):
            try:
                async with asyncio.timeout(request.timeout):
                    if not request.stream:
                        response = await direct.model_request(
                            self._model,
                            messages,
                            model_settings=settings,
                            model_request_parameters=_parameters(request),
                        )
                    else:
                        response = await self._stream(messages, settings, request, on_text, shown)
            except TimeoutError as error:
                raise errors.from_exception(self.name, error) from None
            except (ModelAPIError, UnexpectedModelBehavior, UserError) as error:
                raise _error(self.name, error) from None
            consumed.answered = True
            return usage.filled(self._reply(response, sent), consumed)

    async def _stream(
        self,
        messages: list[ModelMessage],
        settings: ModelSettings,
        request: ModelRequest,
        on_text: Callable[[str], None] | None,
        shown: list[str],
    ) -> ModelResponse:
        async with direct.model_request_stream(
            self._model, messages, model_settings=settings, model_request_parameters=_parameters(request)
        ) as stream:
            async for _ in stream:
                text = _text(stream.get())
                if text != shown[0]:
                    shown[0] = text
                    if on_text is not None:
                        on_text(text)
            response = stream.get()
            if not _ended(response):
                raise errors.cut_off(self.name)
            return response

    def _reply(self, response: ModelResponse, sent: int) -> ModelReply:
        ended = _finish(self.name, response)
        response = replace(response, parts=[one for part in response.parts for one in _split(part)])
        # A reply cut short may end in half a call; a call counts only if the model came to its end.
        asked = [part for part in response.parts if isinstance(part, ToolCallPart)] if ended == "stop" else []
        ids = wire.unique([part.tool_call_id for part in asked])
        extra: dict[str, Any] = {}
        if asked and any(isinstance(part, ThinkingPart) for part in response.parts):
            for name, part in zip(ids, asked, strict=True):
                part.tool_call_id = name
            extra = {WIRE: wire.received_json(ModelMessagesTypeAdapter.dump_python([response], mode="json"))}
        text, calls = _text(response), tuple(map(_call, ids, asked))
        thought = "".join(part.content for part in response.parts if isinstance(part, ThinkingPart))
        wrote = usage.written(text, calls, wire.received(thought))
        used, counted = _usage(response.usage, sent, wrote, self._listing.cost)
        return ModelReply(
            text=text,
            calls=calls,
            finish="tool_calls" if calls else ended,
            usage=used,
            model=self.name,
            extra=extra,
            counted=counted,
        )


def _call(name: str, part: ToolCallPart) -> ToolCall:
    called, text = wire.received(part.tool_name).strip(), wire.received(arguments.text(part.args))
    return ToolCall(id=name, name=called, arguments=text)


def _usage(told: RequestUsage, sent: int, wrote: int, cost: Cost) -> tuple[Usage, bool]:
    read, write = wire.counted(told.input_tokens), wire.counted(told.output_tokens)
    cached, caching = wire.counted(told.cache_read_tokens), wire.counted(told.cache_write_tokens)
    return usage.completed(read, write, cached, caching, sent, wrote, cost)


def _split(part: ModelResponsePart) -> list[ModelResponsePart]:
    """The part; a call for each object of arguments in it."""
    if not isinstance(part, ToolCallPart):
        return [part]
    return [replace(part, args=one) for one in arguments.objects(arguments.text(part.args))]


def _finish(name: str, response: ModelResponse) -> Finish:
    """How it ended: by the provider's own word if we know it, since pydantic-ai fills in what it does not know."""
    raw = finish.reason((response.provider_details or {}).get("finish_reason"))
    mapped = finish.reason(response.finish_reason)
    return finish.known(raw) or finish.meaning(name, mapped or raw)


def _size(request: ModelRequest) -> int:
    """Bytes of what is sent, roughly."""
    conversation = sum(len(fragment.data) for fragment in request.fragments)
    return conversation + len(request.instructions) + len(request.tools)


def _text(response: ModelResponse) -> str:
    return wire.received("".join(part.content for part in response.parts if isinstance(part, TextPart)))


def _ended(response: ModelResponse) -> bool:
    """Whether a stream came to its end: pydantic-ai fills in a reason where none came, so it alone says nothing."""
    raw = (response.provider_details or {}).get("finish_reason")
    return raw is not None or (response.finish_reason is not None and response.usage.has_values())


def _parameters(request: ModelRequest) -> ModelRequestParameters:
    tools = [
        ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=tool.parameters)
        for tool in (_TOOLS.validate_json(request.tools) if request.tools else ())
    ]
    if request.output is None:
        return ModelRequestParameters(function_tools=tools)
    shape = OutputObjectDefinition(json_schema=request.output.json_schema, name=request.output.name)
    return ModelRequestParameters(function_tools=tools, output_mode="native", output_object=shape)


def _dump(entry: Entry) -> bytes:
    return dump_json(entry.model_dump(mode="python")).encode()


def _messages(request: ModelRequest) -> list[ModelMessage]:
    messages: list[ModelMessage] = []
    parts: list[ModelRequestPart] = []
    entry: Entry | None = None
    for fragment in request.fragments:
        data = fragment.sent(plain=request.plain)
        if not data:
            continue
        before, entry = entry, _ENTRY.validate_json(data)
        if isinstance(entry, ResultEntry):
            parts.append(ToolReturnPart(wire.safe_name(entry.name), entry.text, entry.call_id))
        elif isinstance(entry, ReplyEntry):
            if before is None or isinstance(before, ReplyEntry):
                parts = [UserPromptPart(wire.LEFT_OUT if before is None else wire.GO_ON)]
            messages.append(Asked(parts))
            parts = []
            messages.append(_response(entry))
        else:
            parts.append(UserPromptPart(entry.text))
    if isinstance(entry, ReplyEntry) and not entry.calls:
        parts.append(UserPromptPart(wire.GO_ON))
    messages.append(Asked(parts, instructions=request.instructions if request.instructions.strip() else None))
    return messages


def _response(entry: ReplyEntry) -> ModelResponse:
    if WIRE in entry.extra:
        kept = ModelMessagesTypeAdapter.validate_python(entry.extra[WIRE])[0]
        if isinstance(kept, ModelResponse) and (own := _with_calls_of(entry, kept)):
            return replace(kept, parts=own)
    parts: list[ModelResponsePart] = [TextPart(entry.text)] if entry.text.strip() else []
    parts += [
        ToolCallPart(wire.safe_name(call.name), wire.arguments(call.arguments), call.id)
        for call in entry.calls
    ]
    return ModelResponse(parts)


def _with_calls_of(entry: ReplyEntry, kept: ModelResponse) -> list[ModelResponsePart]:
    """The parts as they came, with the calls as the entry has them; none if some are missing."""
    found: list[ModelResponsePart] = []
    calls = list(entry.calls)
    for part in kept.parts:
        if isinstance(part, ToolCallPart):
            if calls:
                call = calls.pop(0)
                changed: Any = part
                changed.tool_name, changed.tool_call_id = wire.safe_name(call.name), call.id
                found.append(part)
        elif not (isinstance(part, TextPart) and not part.content.strip()) and not (
            isinstance(part, ThinkingPart) and not (part.content or part.signature)
        ):
            found.append(part)
    return [] if calls else found


def _error(name: str, error: Exception) -> contract.ModelError:
    found = _of_kind(f"{name}: {type(error).__name__} {errors.sanitise(str(error))}", error)
    if isinstance(error, ModelHTTPError):
        # Its words tell more kinds of failure apart than its class does.
        told = errors.from_body(name, error.status_code, error.headers or {}, error.body)
        if type(found) in (contract.ModelRejected, contract.ModelTransient) or isinstance(told, _SAID):
            found = told
    if isinstance(error, ModelAPIError) and error.retry_after is not None:
        found.retry_after = error.retry_after
    return found


_SAID = (contract.ContextTooLong, contract.ContentFiltered, contract.ProviderQuota)


def _of_kind(said: str, error: Exception) -> contract.ModelError:
    for kind, meant in _MEANT:
        if isinstance(error, kind):
            return meant(said)
    if isinstance(error, ModelHTTPError) and error.status_code < 500:
        return contract.ModelRejected(said)
    if isinstance(error, ModelAPIError):
        return contract.ModelTransient(said)
    return contract.MalformedReply(said)
