import importlib.util
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from holdfast.testing import (
    Reply,
    ScriptedModel,
    call,
    context_too_long,
    failed,
    html,
    overloaded,
    rate_limited,
    reset,
    say,
    unauthorized,
)
from holdfast_activities.models import Model, Models
from holdfast_activities.state.coordination.bucket import Rate
from holdfast_workflows.contracts.errors import (
    ContextTooLong,
    MalformedReply,
    ModelError,
    ModelRejected,
    ModelTransient,
    ProviderQuota,
    RateLimited,
)
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, ToolCall, UserEntry

from . import rules
from .conversations import conversation, request

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pydantic_ai") is None, reason="the extra holdfast[pydantic-ai] is not installed"
)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


class Scripted:
    """A model through pydantic-ai whose server says what ``replies`` says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.replies: list[Reply] = []
        self.server = ScriptedModel(lambda asked: self.replies[asked.number - 1])
        self.models = Models({})
        self._monkeypatch = monkeypatch

    def model(self) -> Model:
        self._monkeypatch.setenv("OPENAI_BASE_URL", self.server.openai_url)
        self._monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
        return self.models.get("pydantic-ai:openai-chat:gpt-5-mini")


@pytest.fixture
async def scripted(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scripted]:
    made = Scripted(monkeypatch)
    async with made.server:
        yield made
        await made.models.close()


@both_ways
async def test_a_reply_has_text_calls_usage_and_cost(scripted: Scripted, stream: bool) -> None:
    scripted.replies = [
        (say("I look. 😀") + call("look", {"at": "表"}) + call("look", {"at": "b"})).but(
            input_tokens=1_000_000, output_tokens=1
        )
    ]
    model = scripted.model()
    reply = await model.complete(request(model, conversation(text="a\x00\ud800"), stream=stream))
    assert (reply.text, reply.finish, len(reply.calls)) == ("I look. 😀", "tool_calls", 2)
    assert reply.usage.cost == pytest.approx(0.25, rel=1e-4)
    assert "a\ufffd\ufffd" in scripted.server.requests[0].body.decode()


@both_ways
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (rate_limited(7), RateLimited),
        (context_too_long(), ContextTooLong),
        (failed(400, "Range of input length should be [1, 129024]"), ContextTooLong),
        (failed(429, "Request too large: Limit 5, Requested 9."), ContextTooLong),
        (
            failed(400, "max_tokens is too large: 9. This model supports at most 5 completion tokens."),
            ModelRejected,
        ),
        (failed(402, "Insufficient Balance"), ProviderQuota),
        (unauthorized(), ModelRejected),
        (failed(503), ModelTransient),
        (overloaded(), ModelTransient),
        (reset(), ModelTransient),
        (html(), MalformedReply),
        (say("cut off", cut_at=40), ModelTransient),
    ],
    ids=[
        "429",
        "too-long",
        "range",
        "minute",
        "max-tokens",
        "402",
        "401",
        "503",
        "529",
        "reset",
        "html",
        "cut",
    ],
)
async def test_a_fault_is_one_error_after_one_request(
    scripted: Scripted, stream: bool, fault: Reply, error: type[ModelError]
) -> None:
    scripted.replies = [fault]
    model = scripted.model()
    with pytest.raises(error) as caught:
        await model.complete(request(model, stream=stream))
    assert len(scripted.server.requests) == 1
    assert caught.value.retry_after == (7.0 if error is RateLimited else None)


async def test_a_stream_that_ends_in_good_order_but_too_early_is_an_error(scripted: Scripted) -> None:
    scripted.replies = [say("x" * 100, cut_at=700, cut="end")]
    model = scripted.model()
    with pytest.raises(ModelTransient, match="ended before the answer did"):
        await model.complete(request(model, stream=True))


def test_a_provider_that_it_does_not_know_is_refused() -> None:
    with pytest.raises(ModelRejected, match="Unknown model"):
        Models({}).get("pydantic-ai:nobody:nothing")


async def test_a_reply_may_be_as_long_as_the_request_says(scripted: Scripted) -> None:
    scripted.replies = [say("Yes.")]
    model = scripted.model()
    await model.complete(replace(request(model), max_tokens=123))
    sent = json.loads(scripted.server.requests[0].body)
    assert sent.get("max_completion_tokens", sent.get("max_tokens")) == 123


def test_nothing_limits_it_and_its_tokens_have_a_price(scripted: Scripted) -> None:
    model = scripted.model()
    assert model.rate == Rate()
    assert model.cost(1_000_000, 0) == pytest.approx(0.25)


NAME = "pydantic-ai:openai-chat"


def _log(model: str, *, blank: str = " ") -> list[Entry]:
    from pydantic_ai.messages import (  # an extra, which may be missing
        ModelMessagesTypeAdapter,
        ModelResponse,
        TextPart,
        ThinkingPart,
        ToolCallPart,
    )

    kept = ModelResponse(
        [
            ThinkingPart("hm", signature="s"),
            ThinkingPart(""),
            TextPart(""),
            ToolCallPart("look at", {}, "functions.0"),
        ]
    )
    extra = {"pydantic-ai": ModelMessagesTypeAdapter.dump_python([kept], mode="json")}
    made = ToolCall(id="c1", name="look at", arguments="{")
    return [
        ReplyEntry(seq=1, text="Hello"),
        UserEntry(seq=2, text=blank),
        ReplyEntry(seq=3, text=blank),
        ReplyEntry(seq=4, calls=(made,), model=model, extra=extra),
        ResultEntry(seq=5, call_id="c1", name="look at", text=blank),
        ReplyEntry(seq=6, text="Done."),
    ]


@pytest.mark.parametrize("model", [f"{NAME}:gpt-5", "openai:gpt-5", ""])
async def test_what_is_sent_through_pydantic_ai_is_acceptable(scripted: Scripted, model: str) -> None:
    scripted.replies = [say("Hi")]
    asked = scripted.model()
    await asked.complete(replace(request(asked, _log(model)), instructions=" "))
    assert rules.openai(json.loads(scripted.server.requests[0].body)) == ""


def test_what_another_provider_carried_is_not_sent_through_pydantic_ai(scripted: Scripted) -> None:
    asked = scripted.model()
    assert asked.provider == NAME
    carried = {
        model: b"hm" in asked.fragment(_log(model)[3]).data
        for model in (f"{NAME}:other", "pydantic-ai:google:m")
    }
    assert carried == {f"{NAME}:other": True, "pydantic-ai:google:m": False}
    assert [
        list(asked.call_ids(entry)) for entry in _log("google:m") if entry.kind == "reply" and entry.calls
    ] == [[""]]


def _raw(message: dict[str, Any], reason: str, told: dict[str, int] | None, *, stream: bool) -> Reply:
    """An answer with this message, finish reason and usage."""
    envelope: dict[str, Any] = {"id": "c", "created": 1, "model": "m"}
    if not stream:
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": None, **message},
            "finish_reason": reason,
        }
        whole = {**envelope, "object": "chat.completion", "choices": [choice], "usage": told}
        return Reply(raw=json.dumps(whole).encode())
    delta = {**message, "tool_calls": [{"index": 0, **call} for call in message.get("tool_calls", ())]}
    events: list[dict[str, Any]] = [
        {
            **envelope,
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": each, "finish_reason": end}],
        }
        for each, end in ((delta, None), ({}, reason))
    ]
    events.append({**envelope, "object": "chat.completion.chunk", "choices": [], "usage": told})
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    return Reply(raw=body.encode(), content_type="text/event-stream")


COUNTED = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


@both_ways
@pytest.mark.parametrize("reason", ["error", "network_error", "insufficient_system_resource", "abort"])
async def test_a_reason_that_is_not_known_is_a_reply_that_broke_off(
    scripted: Scripted, stream: bool, reason: str
) -> None:
    scripted.replies = [_raw({"content": "The total is 1,2"}, reason, COUNTED, stream=stream)]
    model = scripted.model()
    with pytest.raises(ModelTransient):
        await model.complete(request(model, stream=stream))


@both_ways
@pytest.mark.parametrize(
    ("reason", "meant"), [("eos", "stop"), ("LENGTH", "length"), ("sensitive", "content_filter")]
)
async def test_a_known_reason_counts_in_any_spelling(
    scripted: Scripted, stream: bool, reason: str, meant: str
) -> None:
    scripted.replies = [_raw({"content": "Hi"}, reason, COUNTED, stream=stream)]
    model = scripted.model()
    assert (await model.complete(request(model, stream=stream))).finish == meant


@both_ways
@pytest.mark.parametrize("told", [ZEROS, None], ids=["zeros", "none"])
async def test_tokens_that_are_not_counted_are_estimated(
    scripted: Scripted, stream: bool, told: dict[str, int] | None
) -> None:
    scripted.replies = [_raw({"content": "Hi there."}, "stop", told, stream=stream)]
    model = scripted.model()
    reply = await model.complete(request(model, stream=stream))
    assert reply.usage.input_tokens > 50
    assert reply.usage.output_tokens == 3
    assert not reply.counted


@both_ways
async def test_a_reply_with_neither_text_nor_call_is_an_error(scripted: Scripted, stream: bool) -> None:
    scripted.replies = [_raw({"content": ""}, "stop", COUNTED, stream=stream)]
    model = scripted.model()
    with pytest.raises(ModelError) as caught:
        await model.complete(request(model, stream=stream))
    assert caught.value.retryable


@both_ways
async def test_two_objects_under_one_id_are_two_calls(scripted: Scripted, stream: bool) -> None:
    function = {"name": "look", "arguments": '{"at":"a"}{"at":"b"}'}
    message = {"tool_calls": [{"id": "c", "type": "function", "function": function}]}
    scripted.replies = [_raw(message, "tool_calls", COUNTED, stream=stream)]
    model = scripted.model()
    reply = await model.complete(request(model, stream=stream))
    assert [json.loads(made.arguments) for made in reply.calls] == [{"at": "a"}, {"at": "b"}]
    assert len({made.id for made in reply.calls}) == 2
