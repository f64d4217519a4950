"""Faults as providers really send them: their words, errors with status 200, waits in a body."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..server.requests import Request
from .faults import FAULTS, Fault
from .replies import Reply, say

_Body = dict[str, Any] | list[Any]

_TOO_LONG: dict[str, tuple[int, _Body]] = {
    "openai": (400, {"error": {"message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.", "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}}),
    "anthropic": (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 205351 tokens > 200000 maximum"}}),
    "bedrock": (400, {"message": "Input is too long for requested model.", "__type": "ValidationException"}),
    "gemini": (400, [{"error": {"code": 400, "message": "The input token count (218152) exceeds the maximum number of tokens allowed (65536).", "status": "INVALID_ARGUMENT"}}]),
    "mistral": (400, {"object": "error", "message": "Prompt contains 33035 tokens and 0 draft tokens, too large for model with 32768 maximum context length", "type": "invalid_request_prompt", "code": "3051"}),
    "cohere": (400, {"message": "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292. Try using a shorter prompt, or enable prompt truncating."}),
    "xai": (400, {"code": "Client specified an invalid argument", "error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens."}),
    "kimi": (400, {"error": {"message": "Invalid request: Your request exceeded model token limit: 262144 (requested: 291351)", "type": "invalid_request_error"}}),
    "qwen": (400, {"error": {"message": "Range of input length should be [1, 129024]", "type": "invalid_request_error", "code": "invalid_parameter_error"}}),
    "glm": (400, {"error": {"code": "1261", "message": "Prompt exceeds max length"}}),
    "deepseek": (400, {"error": {"message": "This model's maximum context length is 65536 tokens. However, you requested 70000 tokens (62000 in the messages, 8000 in the completion). Please reduce the length of the messages or completion.", "type": "invalid_request_error"}}),
    "groq": (413, {"error": {"message": "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 7022, please reduce your message size and try again.", "type": "tokens", "code": "rate_limit_exceeded"}}),
    "together": (400, {"error": {"message": "The input (1492905 tokens) is longer than the model's context length (1048576 tokens).", "type": "invalid_request_error"}}),
    "fireworks": (400, {"error": {"object": "error", "type": "invalid_request_error", "message": "The prompt is too long: 39676, model maximum context length: 32767"}}),
    "openrouter": (400, {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": '{"error":{"message":"Input is too long for requested model."}}', "provider_name": "Amazon Bedrock"}}}),
    "vllm": (400, {"object": "error", "message": "This model's maximum context length is 8192 tokens. However, your request has 9000 input tokens. Please reduce the length of the input messages.", "type": "BadRequestError", "param": None, "code": 400}),
    "sglang": (400, {"object": "error", "message": "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 5000 tokens: 4500 tokens from the input messages and 500 tokens for the completion.", "type": "BadRequestError", "code": 400}),
    "llamacpp": (400, {"error": {"code": 400, "message": "the request exceeds the available context size. try increasing the context size or enable context shift", "type": "exceed_context_size_error", "n_ctx": 4096}}),
    "ollama": (500, {"error": {"message": "prompt too long; exceeded max context length by 4 tokens", "type": "api_error"}}),
    "tgi": (422, {"error": "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000", "error_type": "validation"}),
    "lmstudio": (200, {"error": "Trying to keep the first 15857 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input"}),
    "openai_minute": (429, {"error": {"message": "Request too large for gpt-4o on tokens per min (TPM): Limit 5000, Requested 9986. The input or output tokens must be reduced in order to run successfully.", "type": "tokens", "code": "rate_limit_exceeded"}}),
}  # fmt: skip

_REFUSED: dict[str, tuple[int, _Body, str]] = {
    "key_revoked": (401, {"error": {"message": "Incorrect API key provided: sk-****.", "type": "invalid_request_error", "code": "invalid_api_key"}}, "model_rejected"),
    "key_gemini": (400, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}], "model_rejected"),
    "no_credit": (402, {"error": {"message": "Insufficient Balance", "type": "unknown_error"}}, "provider_quota"),
    "no_quota": (429, {"error": {"message": "You exceeded your current quota, please check your plan and billing details.", "type": "insufficient_quota", "code": "insufficient_quota"}}, "provider_quota"),
    "max_tokens": (400, {"error": {"message": "max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you provided 32000.", "type": "invalid_request_error", "param": "max_tokens", "code": "invalid_value"}}, "model_rejected"),
    "too_many_tools": (400, {"error": {"message": "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 140 instead.", "type": "invalid_request_error", "code": "array_above_max_length"}}, "model_rejected"),
    "field_required": (422, {"detail": [{"type": "missing", "loc": ["body", "messages"], "msg": "Field required"}]}, "model_rejected"),
}  # fmt: skip

_UPSTREAM = {"code": 502, "message": "The upstream failed.", "type": "server_error"}
_WITHIN_200: dict[str, bytes] = {
    "error_object_error": b'{"object":"error","message":"The upstream failed.","type":"InternalServerError","code":500}',
    "error_detail": b'{"detail":"The model is overloaded."}',
    "error_list": b'[{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]',
    "error_in_choice": json.dumps({"choices": [{"index": 0, "error": _UPSTREAM, "finish_reason": "error"}]}).encode(),
    "error_event": b"event: error\ndata: " + json.dumps(_UPSTREAM).encode() + b"\n\n",
    "error_text_event": b"event: error\ndata: upstream timed out\n\n",
    "error_field": b"error: " + json.dumps(_UPSTREAM).encode() + b"\n\n",
    "error_data": b"data: " + json.dumps({"error": _UPSTREAM}).encode() + b"\n\n",
    "error_unended": b"data: " + json.dumps({"error": _UPSTREAM}).encode(),
}  # fmt: skip


def _sent(status: int, body: _Body) -> Callable[[Request, float], Reply]:
    return lambda _, __: Reply(status=status, raw=json.dumps(body, ensure_ascii=False).encode())


def _within_200(body: bytes) -> Callable[[Request, float], Reply]:
    return lambda _, __: Reply(raw=body, content_type="text/event-stream")


def _retry_info(_: Request, after: float) -> Reply:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{after:g}s"}]
    problem = {
        "code": 429,
        "message": "You exceeded your current quota, please check your plan.",
        "status": "RESOURCE_EXHAUSTED",
        "details": details,
    }
    return Reply(status=429, raw=json.dumps([{"error": problem}]).encode())


def _in_words(_: Request, after: float) -> Reply:
    words = f"Rate limit reached on tokens per min (TPM): Limit 30000, Used 25000, Requested 8000. Please try again in {after:g}s."
    return Reply(status=429, message=words, code="rate_limit_exceeded")


def _in_field(_: Request, after: float) -> Reply:
    body = {"error": {"message": "Slow down.", "code": 429, "metadata": {"retry_after_seconds": after}}}
    return Reply(status=429, raw=json.dumps(body).encode())


def _ended(reason: str) -> Callable[[Request, float], Reply]:
    return lambda _, __: say("This was cut", finish=reason)


PROVIDER_FAULTS: tuple[Fault, ...] = (
    *(Fault(f"too_long_{name}", "changed", "context_too_long", _sent(*answer)) for name, answer in _TOO_LONG.items()),
    *(Fault(name, "failed", code, _sent(status, body)) for name, (status, body, code) in _REFUSED.items()),
    *(Fault(name, "retried", "model_transient", _within_200(body)) for name, body in _WITHIN_200.items()),
    Fault("limited_retry_info", "waited", "rate_limited", _retry_info),
    Fault("limited_in_words", "waited", "rate_limited", _in_words),
    Fault("limited_in_field", "waited", "rate_limited", _in_field),
    Fault("ended_error", "retried", "model_transient", _ended("error")),
    Fault("ended_network_error", "retried", "model_transient", _ended("network_error")),
    Fault("ended_no_resource", "retried", "model_transient", _ended("insufficient_system_resource")),
    Fault("ended_bad_call", "retried", "model_transient", _ended("MALFORMED_FUNCTION_CALL")),
    Fault("empty_reply", "retried", "empty_reply", lambda _, __: say("")),
)  # fmt: skip
"""Faults in the forms and words of providers."""


def fault(name: str, after: float = 1.0) -> Fault:
    """A fault for a script, by its name: ``ScriptedModel([fault("too_long_gemini"), say("Fine.")])``.

    ``after`` is the wait of a rate limit in seconds.

    Raises:
        ValueError: ``FAULTS`` and ``PROVIDER_FAULTS`` have no such name.
    """
    known = {each.name: each for each in (*FAULTS, *PROVIDER_FAULTS)}
    if name not in known:
        raise ValueError(f"{name!r} is not a fault. Use one of: {', '.join(sorted(known))}")
    found = known[name]
    return Fault(found.name, found.ends, found.code, lambda request, _: found.make(request, after))
