"""All other providers, through pydantic-ai: the optional extra ``holdfast[pydantic-ai]``.

The conversation is built again for each call, so this is slower than the other clients.
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
from pydantic_ai.messages import ModelRequest as RequestMessage
from pydantic_ai.models import ModelRequestParameters, infer_model
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from holdfast_activities.state.coordination.bucket import Rate
from holdfast_activities.tracing import spans
from holdfast_workflows.contracts import errors as contract
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.session.entries import (
    Entry,
    ReplyEntry,
    ResultEntry,
    ToolCall,
)
from holdfast_workflows.contracts.text.unicode import dump_json

from . import arguments, finish, usage, wire
from .base import Fragment, Model, ModelReply, ModelRequest
from .errors import errors
from .own_prices import OwnPrice
from .prices import listing

WIRE = "pydantic-ai"

_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)
_TOOLS: TypeAdapter[list[ToolSpec]] = TypeAdapter(list[ToolSpec])
_KINDS: tuple[tuple[type[Exception], type[contract.ModelError]], ...] = (
    (ModelContextWindowExceededError, contract.ContextTooLong),
    (ContentFilterError, contract.ContentFiltered),
    (ModelRateLimitError, contract.RateLimited),
    (ModelRequestRejectedError, contract.ModelRejected),
    (ModelQuotaExceededError, contract.ProviderQuota),
    (ModelConnectionError, contract.ModelTransient),
    (UserError, contract.ModelRejected),
)


class PydanticAIModel(Model):
    """One model that pydantic-ai knows. Its fragments are cleaned entries."""

    wire = WIRE

    def __init__(self, model: str, own: OwnPrice | None = None) -> None:
        """A client for ``model``, which is ``provider:name`` as pydantic-ai spells it, at its ``own`` price.

        Raises:
            ModelRejected: pydantic-ai does not know the model, or its key is missing.
        """
        name = f"{WIRE}:{model}"
        try:
            self._model = infer_model(model)
        except (UserError, ImportError, ValueError) as error:
            raise contract.ModelRejected(f"{name}: {errors.sanitise(str(error))}") from None
        provider = name.rpartition(":")[0] if ":" in model else name
        listed = listing(self._model.system, self._model.model_name, self._model.base_url or "", own)
        super().__init__(name, provider, listed, Rate())

    async def close(self) -> None:
        """Close the connections."""
        # pydantic-ai closes a provider's connections when the last context of the model ends.
        async with self._model:
            pass

    def fragment(self, entry: Entry) -> Fragment:
        """The entry as JSON, with its ``extra`` only if this provider gave it."""
        text = wire.received(entry.text)
        if not isinstance(entry, ReplyEntry):
            data = _dump(entry.model_copy(update={"text": text if text.strip() else wire.EMPTY}))
            return Fragment(entry.seq, entry.kind, data, wire.estimate(data), tool=wire.tool_of(entry))
        if not (entry.calls or text.strip()):
            return Fragment(entry.seq, entry.kind, b"", wire.estimate(b""))
        plain = _dump(entry.model_copy(update={"text": text, "extra": {}}))
        own = WIRE in entry.extra and wire.is_own(entry, self.provider)
        data = _dump(entry.model_copy(update={"text": text})) if own else plain
        return Fragment(
            entry.seq, entry.kind, data, wire.estimate(data), len(entry.calls), plain if own else b""
        )

    def tools(self, tools: Sequence[ToolSpec]) -> bytes:
        """The tools' specs as JSON."""
        return _TOOLS.dump_json(list(tools)) if tools else b""

    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None] | None = None
    ) -> ModelReply:
        """Call the model once; see ``Model.complete``."""
        messages = _messages(request)
        settings = ModelSettings(timeout=request.timeout, max_retries=0)
        if traced := spans.headers():
            settings["extra_headers"] = dict(traced)
        if request.no_calls:
            settings["tool_choice"] = "none"
        if request.max_tokens is not None:
            settings["max_tokens"] = request.max_tokens
        if request.temperature is not None:
            settings["temperature"] = request.temperature
        sent, shown, consumed, cost = _size(request), [""], request.consumed, self._listing.cost
        with usage.noted(consumed, sent, lambda: len(shown[0]), cost):
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
            return usage.filled(_answer(self.name, response).reply(self.name, sent, cost), consumed)

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


def _answer(name: str, response: ModelResponse) -> usage.Answer:
    # The provider's own word comes first, since pydantic-ai fills in a reason where it knows none.
    raw = finish.reason((response.provider_details or {}).get("finish_reason"))
    ended = finish.known(raw) or finish.meaning(name, finish.reason(response.finish_reason) or raw)
    response = replace(response, parts=[one for part in response.parts for one in _split(part)])
    thoughts = [part.content for part in response.parts if isinstance(part, ThinkingPart)]
    # A reply that was cut short may end in half a call, so calls count only if the model finished.
    parts = [part for part in response.parts if isinstance(part, ToolCallPart)] if ended == "stop" else []
    for id, part in zip(wire.unique([part.tool_call_id for part in parts]), parts, strict=True):
        part.tool_call_id = id
    extra: dict[str, Any] = {}
    if parts and thoughts:
        extra = {WIRE: wire.received_json(ModelMessagesTypeAdapter.dump_python([response], mode="json"))}
    used = response.usage
    counts = (used.input_tokens, used.output_tokens, used.cache_read_tokens, used.cache_write_tokens)
    return usage.Answer(
        text=_text(response),
        ended=ended,
        calls=tuple(map(_call, parts)),
        counts=usage.Counts(*map(wire.counted, counts)),
        thought=wire.received("".join(thoughts)),
        extra=extra,
    )


def _call(part: ToolCallPart) -> ToolCall:
    name, text = wire.received(part.tool_name).strip(), wire.received(arguments.text(part.args))
    return ToolCall(id=part.tool_call_id, name=name, arguments=text)


def _split(part: ModelResponsePart) -> list[ModelResponsePart]:
    """The part; a tool call becomes one call for each object of arguments."""
    if not isinstance(part, ToolCallPart):
        return [part]
    return [replace(part, args=text) for text in arguments.objects(arguments.text(part.args))]


def _size(request: ModelRequest) -> int:
    """Estimate the bytes of the request."""
    conversation = sum(len(fragment.data) for fragment in request.fragments)
    return conversation + len(request.instructions) + len(request.tools)


def _text(response: ModelResponse) -> str:
    return wire.received("".join(part.content for part in response.parts if isinstance(part, TextPart)))


def _ended(response: ModelResponse) -> bool:
    """Whether a stream reached its end; pydantic-ai fills in a missing reason, so that alone proves nothing."""
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
            messages.append(RequestMessage(parts))
            parts = []
            messages.append(_response(entry))
        else:
            parts.append(UserPromptPart(entry.text))
    if isinstance(entry, ReplyEntry) and not entry.calls:
        parts.append(UserPromptPart(wire.GO_ON))
    messages.append(
        RequestMessage(parts, instructions=request.instructions if request.instructions.strip() else None)
    )
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
    """The parts as the provider sent them, with the entry's calls; empty if a call is missing."""
    parts: list[ModelResponsePart] = []
    calls = list(entry.calls)
    for part in kept.parts:
        if isinstance(part, ToolCallPart):
            if calls:
                call = calls.pop(0)
                changed: Any = part
                changed.tool_name, changed.tool_call_id = wire.safe_name(call.name), call.id
                parts.append(part)
        elif not (isinstance(part, TextPart) and not part.content.strip()) and not (
            isinstance(part, ThinkingPart) and not (part.content or part.signature)
        ):
            parts.append(part)
    return [] if calls else parts


def _error(name: str, error: Exception) -> contract.ModelError:
    found = _of_kind(f"{name}: {type(error).__name__} {errors.sanitise(str(error))}", error)
    if isinstance(error, ModelHTTPError):
        # The words distinguish more kinds of failure than the class.
        by_words = errors.from_body(name, error.status_code, error.headers or {}, error.body)
        if type(found) in (contract.ModelRejected, contract.ModelTransient) or isinstance(
            by_words, _BY_WORDS
        ):
            found = by_words
    if isinstance(error, ModelAPIError) and error.retry_after is not None:
        found.retry_after = error.retry_after
    return found


_BY_WORDS = (contract.ContextTooLong, contract.ContentFiltered, contract.ProviderQuota)


def _of_kind(detail: str, error: Exception) -> contract.ModelError:
    for kind, meaning in _KINDS:
        if isinstance(error, kind):
            return meaning(detail)
    if isinstance(error, ModelHTTPError) and error.status_code < 500:
        return contract.ModelRejected(detail)
    return (
        contract.ModelTransient(detail)
        if isinstance(error, ModelAPIError)
        else contract.MalformedReply(detail)
    )
