"""An error told within status 200 is that error, by kind and with its words, in every shape."""

import json
from typing import Any

import pytest

from holdfast.testing import Reply, ScriptedModel
from holdfast_activities.models.errors.body import problem_in
from holdfast_workflows.contracts.errors import (
    ContextTooLong,
    MalformedReply,
    ModelError,
    ModelRejected,
    ModelTransient,
    ProviderQuota,
    RateLimited,
)

from .conversations import NAMES, ask, models_of, request

LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."

SHAPES: list[tuple[Any, type[ModelError], str]] = [
    ({"error": {"message": LONG, "type": "invalid_request_error"}}, ContextTooLong, "8192"),
    ({"error": LONG}, ContextTooLong, "8192"),
    ({"Error": {"Code": "InvalidParameter", "Message": LONG}}, ContextTooLong, "8192"),
    ({"choices": [], "message": LONG, "code": 400}, ContextTooLong, "8192"),
    ({"choices": [], "error_msg": LONG}, ContextTooLong, "8192"),
    ({"choices": None, "detail": LONG, "usage": None}, ContextTooLong, "8192"),
    ({"choices": [], "base_resp": {"status_code": 2013, "status_msg": LONG}}, ContextTooLong, "8192"),
    ({"error": LONG, "error_type": "validation"}, ContextTooLong, "8192"),
    ({"code": "Client specified an invalid argument", "error": LONG}, ContextTooLong, "8192"),
    ({"object": "error", "message": LONG, "type": "BadRequestError", "param": None, "code": 400}, ContextTooLong, "8192"),
    ({"type": "error", "error": {"type": "invalid_request_error", "message": LONG}}, ContextTooLong, "8192"),
    ({"detail": LONG}, ContextTooLong, "8192"),
    ({"detail": [{"loc": ["body", "messages"], "msg": LONG}]}, ContextTooLong, "8192"),
    ({"object": "error", "message": {"detail": [{"loc": ["body", "messages"], "msg": LONG}]}}, ContextTooLong, "8192"),
    ([{"error": {"code": 400, "message": LONG, "status": "INVALID_ARGUMENT"}}], ContextTooLong, "8192"),
    ({"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": json.dumps({"error": {"message": LONG}})}}}, ContextTooLong, "8192"),
    ({"errors": [{"message": LONG, "code": 5021}], "success": False, "result": {}}, ContextTooLong, "8192"),
    ({"error_code": 336007, "error_msg": LONG}, ContextTooLong, "8192"),
    ({"base_resp": {"status_code": 2013, "status_msg": LONG}}, ContextTooLong, "8192"),
    ({"message": LONG, "__type": "com.amazon.coral.service#ValidationException"}, ContextTooLong, "8192"),
    ({"error": {"message": "Slow down", "type": "RateLimitError"}}, RateLimited, "Slow down"),
    ({"message": "Slow down", "__type": "ThrottlingException"}, RateLimited, "Slow down"),
    ({"statusCode": 429, "message": "Slow down"}, RateLimited, "Slow down"),
    ({"error": {"status": "RESOURCE_EXHAUSTED", "message": "Slow down"}}, RateLimited, "Slow down"),
    ({"error": {"message": "Requests rate limit exceeded"}}, RateLimited, "Requests"),
    ({"error": {"type": "insufficient_quota", "message": "Pay"}}, ProviderQuota, "Pay"),
    ({"detail": "Unauthorized"}, ModelRejected, "Unauthorized"),
    ({"status": "error", "message": "Invalid API key"}, ModelRejected, "Invalid API key"),
    ({"error": "model 'x' not found"}, ModelRejected, "not found"),
    ({"detail": "Model is overloaded"}, ModelTransient, "overloaded"),
    ({"error": {"code": 502, "message": "Provider disconnected"}}, ModelTransient, "disconnected"),
    ({"error": "CUDA out of memory", "error_type": "generation"}, ModelTransient, "CUDA"),
    ({"error": True, "message": "upstream timed out"}, ModelTransient, "timed out"),
    ({"choices": [{"index": 0, "error": {"code": 502, "message": "Upstream broke"}, "finish_reason": "error"}]}, ModelTransient, "Upstream broke"),
    ({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}], "error": {"code": 429, "message": "Busy"}}, RateLimited, "Busy"),
]  # fmt: skip

FORMS = {
    "whole": (False, "application/json", b"%b"),
    "plain": (False, "text/plain", b"%b"),
    "json-for-a-stream": (True, "application/json", b"%b"),
    "json-under-sse": (True, "text/event-stream", b"%b"),
    "json-under-sse-after-space": (True, "text/event-stream", b"\n\n %b\n"),
    "event": (True, "text/event-stream", b"data: %b\n\ndata: [DONE]\n\n"),
    "event-under-json": (True, "application/json", b"data: %b\n\ndata: [DONE]\n\n"),
    "event-without-end": (True, "text/event-stream", b"data: %b"),
    "event-after-comment": (True, "text/event-stream", b": PROCESSING\n\ndata:%b\r\n\r\n"),
    "named": (True, "text/event-stream", b"event: error\ndata: %b\n\n"),
    "field": (True, "text/event-stream", b"error: %b\n\n"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
async def test_an_error_within_status_200_is_that_error_in_every_shape(name: str, form: str) -> None:
    stream, kind, frame = FORMS[form]
    bodies = [frame % json.dumps(shape).encode() for shape, _, _ in SHAPES]
    wrong: list[object] = []
    async with ScriptedModel([Reply(raw=body, content_type=kind) for body in bodies]) as server:
        models = models_of(server)
        model = models.get(name)
        for shape, error, words in SHAPES:
            with pytest.raises(ModelError) as caught:
                await model.complete(request(model, stream=stream))
            if type(caught.value) is not error or words not in caught.value.detail:
                wrong.append((shape, caught.value))
        await models.close()
    assert not wrong


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"event: error\ndata: upstream timed out\n\n", ModelTransient, "upstream timed out"),
        (b"event:error\ndata: Too many requests\n\n", RateLimited, "Too many requests"),
        (b"error: the model crashed\n\n", ModelTransient, "crashed"),
        (b"event: error\ndata: [1]\n\n", ModelTransient, "1"),
        (b"<html><body>Bad gateway</body></html>", MalformedReply, "Bad gateway"),
        (b"data: [ERROR] rate limit reached\n\n", RateLimited, "rate limit"),
        (b"data: oops\n\n", MalformedReply, "oops"),
    ],
)
async def test_an_error_in_a_stream_that_is_no_json_keeps_its_words(
    name: str, body: bytes, error: type[ModelError], words: str
) -> None:
    async with ScriptedModel([Reply(raw=body, content_type="text/event-stream")]) as server:
        with pytest.raises(ModelError, match=words) as caught:
            await ask(server, name, stream=True)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [{"message": {"content": "Hi"}}], "error": None},
        {"choices": [{"message": {"content": "Hi"}}], "error": {}},
        {"choices": [{"message": {"content": "Hi"}}], "error": {"code": None, "message": ""}},
        {"choices": [{"message": {"content": "Hi"}}], "base_resp": {"status_code": 0, "status_msg": ""}},
        {"choices": [{"message": {"content": "Hi"}, "error": None}]},
        {"choices": [{"delta": {"content": "an error"}}], "message": "detail"},
        {"choices": [], "usage": {"prompt_tokens": 1}},
        {"type": "message", "content": [{"type": "text", "text": "error"}], "status": "ok"},
        {"type": "message_start", "message": {"content": []}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "error"}},
        {"type": "ping"},
        {},
    ],
)
def test_an_answer_with_an_empty_error_is_an_answer(answer: dict[str, Any]) -> None:
    assert problem_in(answer) is None
