"""A prompt is too long exactly if the provider says so, in the words of each."""

import json

import pytest

from holdfast_activities.models.errors.errors import from_problem, from_status
from holdfast_workflows.contracts.errors import (
    ContentFiltered,
    ContextTooLong,
    MalformedReply,
    ModelError,
    ModelRejected,
    ModelTransient,
    ProviderQuota,
    RateLimited,
)

TOO_LONG = [
    "The total number of tokens in the prompt exceeds the limit",
    "tokens in request more than max tokens allowed",
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4500",
    "the number of tokens in your prompt is over the limit",
    "输入长度超过模型限制",
    "输入的长度超出了模型的上限",
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.",
    "This model's maximum context length is 8191 tokens, however you requested 10346 tokens (10341 in your prompt; 5 for the completion). Please reduce your prompt; or completion length.",
    "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens (112946 in the messages, 10000 in the completion). Please reduce the length of the messages or completion.",
    "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens. Please reduce the length of the messages.",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "Invalid 'messages[1].content': string too long. Expected a string with maximum length 1048576, but got a string with length 1540820 instead.",
    "Invalid 'messages': array too long. Expected an array with maximum length 2048, but got an array with length 2100 instead.",
    "Invalid 'input[0].content[0].text': string too long. Expected a string with maximum length 10485760, but got one with length 20000000 instead.",
    "prompt is too long: 205351 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 187254 + 20000 > 204798, decrease input length or `max_tokens` and try again",
    "Input is too long for requested model.",
    "The model returned the following errors: Input is too long for requested model.",
    "Too many input tokens. Max input tokens: 8192, request input token count: 9000",
    "Malformed input request: #/inputText: expected maxLength: 50000, actual: 70000, please reformat your input and try again.",
    "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
    "The input token count exceeds the maximum number of tokens allowed 1048576.",
    "Unable to submit request because the input token count is 33000 but model only supports up to 32768. Reduce the input token count and try again.",
    "Request payload size exceeds the limit: 20971520 bytes.",
    "Prompt contains 33035 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292. Try using a shorter prompt, or enable prompt truncating.",
    "too many tokens: size limit exceeded by 11326 tokens. Try using shorter or fewer inputs.",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "Invalid request: Your request exceeded model token limit: 262144 (requested: 291351)",
    "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]",
    "Prompt exceeds max length",
    "Prompt 超长",
    "Please reduce the length of the messages or completion.",
    "Please reduce the length of the messages or completion. Current length is 10000 while limit is 8192",
    "The input (1492905 tokens) is longer than the model's context length (1048576 tokens).",
    "The prompt is too long: 39676, model maximum context length: 32767",
    "`inputs` tokens + `max_new_tokens` must be <= 4097. Given: 4900 `inputs` tokens and 512 `max_new_tokens`",
    "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000",
    "This endpoint's maximum context length is 16385 tokens. However, you requested about 20000 tokens (18000 of text input, 2000 in the output). Please reduce the length of either one.",
    "This endpoint's maximum context length is 131072 tokens. However, you requested about 200000 tokens (150000 of text input, 30000 of tool input, 20000 in the output).",
    "max_tokens must be at least 1, got -186.",
    "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 16384 tokens and your request has 13000 input tokens (4096 > 16384 - 13000).",
    "The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that `max_model_len` is no smaller than the number of text tokens.",
    "You passed 5000 input tokens and requested 1000 output tokens. However, the model's context length is only 4096 tokens, resulting in a maximum input length of 3096 tokens.",
    "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 5000 tokens: 4500 tokens from the input messages and 500 tokens for the completion.",
    "Input length (265330) exceeds model's maximum context length (262144).",
    "Input length 131393 exceeds the maximum allowed input length of 131040 tokens.",
    "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
    "prompt too long; exceeded max context length by 4 tokens",
    "the input length exceeds the context length",
    "Trying to keep the first 15857 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input",
    "The number of tokens to keep from the initial prompt is greater than the context length. Try to load the model with a larger context length, or provide a shorter input",
    "Context size has been exceeded.",
    "Prompt has 32769 tokens, but the configured context size is 32768 tokens",
    "prompt token count of 13613 exceeds the limit of 12288",
    "Request body too large for gpt-4o model. Max size: 8000 tokens.",
    "invalid params, context window exceeds limit (2013)",
    "Total tokens of image and text exceed max message tokens",
    "prompt is too long: 210000 tokens > 200000 maximum, max_tokens: 4096",
    "The prompt and max_tokens exceed the context window: 190000 + 9000 > 198000",
    "Input exceeds context window",
    "The conversation is too long.",
    "This request exceeds the model's context",
    "Your prompt has 210000 tokens which exceeds the limit of 200000",
    "input is too long (max 32768 tokens)",
    "Total input tokens 140000 exceed max 131072",
    "Exceeded maximum token limit of 8192",
    "The model's maximum context is 4096 tokens, your input is 5000",
    "Sequence length 5000 is larger than max sequence length 4096",
    "length of the prompt (5000) exceeds the max_model_len (4096)",
    "The text is longer than the maximum of 8192 tokens",
    "Token limit exceeded",
    "litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException - too much",
]

SOMETHING_ELSE = [
    "max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you provided 32000.",
    "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= 16384, but got 32000 instead.",
    "max_tokens: 300000 > 64000, which is the maximum allowed number of output tokens for claude-sonnet-4-5",
    "input length and `max_tokens` exceed context limit: 1000 + 200000 > 200000, decrease input length or `max_tokens` and try again",
    "The maximum tokens you requested exceeds the model limit of 4096. Try again with a maximum tokens value that is lower than 4096.",
    "Unable to submit request because it has a maxOutputTokens value of 100000 but the supported range is from 1 (inclusive) to 65537 (exclusive). Update the value and try again.",
    "too many tokens: max tokens must be less than or equal to 4000, the maximum output for this model - received 6000.",
    "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window` for this model",
    "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
    "Range of max_tokens should be [1, 8192]",
    "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]",
    "'max_tokens' or 'max_completion_tokens' is too large: 20000. This model's maximum context length is 16384 tokens and your request has 40 input tokens (20000 > 16384 - 40).",
    "`inputs` tokens + `max_new_tokens` must be <= 2048. Given: 100 `inputs` tokens and 2000 `max_new_tokens`",
    "This model's maximum context length is 6048 tokens. However, you requested 6616 tokens (568 in the messages, 6048 in the completion).",
    "max_tokens (5000) exceeds the maximum context length of this model (4096)",
    "max_tokens > 4096 must have stream=true",
    "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 140 instead.",
    "Invalid 'tools[0].function.description': string too long. Expected a string with maximum length 1024, but got a string with length 2000 instead.",
    "Invalid 'tools[3].function.name': string too long. Expected a string with maximum length 64, but got a string with length 80 instead.",
    "Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with maximum length 40, but got a string with length 64 instead.",
    "Invalid 'messages[2].tool_calls': array too long. Expected an array with maximum length 128, but got an array with length 200 instead.",
    "Invalid 'messages[3].name': string too long. Expected a string with maximum length 64, but got a string with length 90 instead.",
    "Invalid 'user': string too long. Expected a string with maximum length 64, but got a string with length 90 instead.",
    "Invalid 'prompt_cache_key': string too long. Expected a string with maximum length 64, but got a string with length 90 instead.",
    "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 instead.",
    "tools: List should have at most 128 items after validation, not 140",
    "tools.0.custom.description: String should have at most 1024 characters",
    "Too many tools. The maximum number of tools is 64.",
    "The request has too many function declarations: at most 512 are allowed",
    "Tool schema is too large",
    "Requested tool count exceeds the limit of 128",
    "This model supports at most 128 tools, but the request contains 140",
    "Too many functions: 65 > 64",
    "tools.3.name: tool name is too long",
    "Requested output tokens (40000) exceed the model's maximum output tokens (8192)",
    "`thinking.budget_tokens` exceeds max_tokens",
    "max output tokens must be at most 8192",
    "maxTokens: must be less than or equal to 8192",
    "max_completion_tokens too large for this model",
    "metadata: too many key-value pairs. Maximum 16",
    "response_format: schema is too large",
    "The function description is too long (max 1024)",
    "Invalid 'messages[3].tool_call_id': string too long. Expected a string with maximum length 40.",
    "logit_bias: too many entries",
    "metadata.user_id: String should have at most 256 characters",
    "messages.0.content.1.image.source.base64: image exceeds 5 MB maximum: 6000000 bytes > 5242880 bytes",
    "Your request contains too many images: at most 20 images are supported",
    "400 Request Header Or Cookie Too Large",
    "Request-URI Too Long: the url is too long",
    "Your request took too long to process. Please try again.",
    "temperature: Input should be less than or equal to 2",
    "messages: Input should be a valid list",
    "`max_tokens` must be greater than `thinking.budget_tokens`.",
    "thinking.budget_tokens: Input should be greater than or equal to 1024",
    "This model's context window does not support prompt caching.",
    "Invalid schema for response_format: too many properties, at most 5000 properties are allowed",
]


def error_of(status: int, words: str) -> ModelError:
    return from_status("m", status, {}, json.dumps({"error": {"message": words}}).encode())


@pytest.mark.parametrize("words", TOO_LONG)
@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_a_prompt_that_is_too_long_is_known_by_each_providers_words(status: int, words: str) -> None:
    assert type(error_of(status, words)) is ContextTooLong


@pytest.mark.parametrize("words", TOO_LONG)
def test_the_same_words_within_status_200_mean_the_same(words: str) -> None:
    assert type(from_problem("m", {"error": {"message": words}})) is ContextTooLong
    assert type(from_problem("m", words)) is ContextTooLong


@pytest.mark.parametrize("words", SOMETHING_ELSE)
@pytest.mark.parametrize("status", [400, 422])
def test_what_is_too_large_but_not_the_prompt_is_a_refusal(status: int, words: str) -> None:
    assert type(error_of(status, words)) is ModelRejected


@pytest.mark.parametrize(
    "problem",
    [
        {"type": "exceed_context_size_error", "message": "No.", "n_ctx": 4096},
        {"code": "context_length_exceeded", "message": "Too much"},
        {"code": "string_above_max_length", "message": "Invalid 'messages[0].content': string too long."},
        {"code": "model_max_prompt_tokens_exceeded", "message": "Too much"},
        {"code": "1261", "message": "?"},
    ],
)
def test_a_code_alone_says_that_the_prompt_is_too_long(problem: dict[str, object]) -> None:
    assert type(from_status("m", 400, {}, json.dumps({"error": problem}).encode())) is ContextTooLong


def test_what_a_user_wrote_is_not_taken_for_the_providers_words() -> None:
    said = {
        "type": "missing",
        "loc": ["body", "model"],
        "msg": "Field required",
        "input": "prompt is too long",
    }
    error = from_status("m", 422, {}, json.dumps({"detail": [said]}).encode())
    assert type(error) is ModelRejected
    assert "body.model: Field required" in error.detail
    assert "too long" not in error.detail


TPM = "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 41000. The input or output tokens must be reduced in order to run successfully."
GROQ = "Request too large for model `llama-3.1-8b-instant` in organization `org_x` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Requested 7022, please reduce your message size and try again."


@pytest.mark.parametrize(
    ("status", "words", "error", "fits"),
    [
        (429, TPM, ContextTooLong, 30_000 / 41_000),
        (429, GROQ, ContextTooLong, 6_000 / 7_022),
        (413, GROQ, ContextTooLong, 6_000 / 7_022),
        (429, "Rate limit reached on tokens per minute (TPM): Limit 6000, Used 0, Requested 9000.", ContextTooLong, 6 / 9),
        (429, "Request body too large for gpt-4o model. Max size: 8000 tokens.", ContextTooLong, None),
        (429, "Extra usage is required for long context requests.", ContextTooLong, None),
        (
            429,
            "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 25000, Requested 8000. Please try again in 6s.",
            RateLimited,
            None,
        ),
        (429, "Rate limit reached on requests per min (RPM): Limit 3, Used 3, Requested 1.", RateLimited, None),
        (
            429,
            "This request would exceed your organization's rate limit of 20,000 input tokens per minute. Please reduce the prompt length or the maximum tokens requested, or try again later.",
            RateLimited,
            None,
        ),
        (429, "Too many tokens, please wait before trying again.", RateLimited, None),
    ],
)  # fmt: skip
def test_a_rate_limit_below_the_request_alone_is_a_prompt_too_long(
    status: int, words: str, error: type[ModelError], fits: float | None
) -> None:
    found = error_of(status, words)
    assert type(found) is error
    assert getattr(found, "fits", None) == fits


@pytest.mark.parametrize(
    ("status", "problem", "error"),
    [
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, ProviderQuota),
        (429, {"message": "Your account org-x is suspended due to insufficient balance", "type": "exceeded_current_quota_error"}, ProviderQuota),
        (429, {"code": "1113", "message": "余额不足或无可用资源包,请充值。"}, ProviderQuota),
        (429, {"message": "Your team has either used all available credits or reached its monthly spending limit."}, ProviderQuota),
        (429, {"message": "Quota exceeded for metric: free_tier_requests, limit: 0, model: gemini-2.5-pro", "status": "RESOURCE_EXHAUSTED"}, ProviderQuota),
        (400, {"code": "Arrearage", "message": "Access denied, please make sure your account is in good standing."}, ProviderQuota),
        (400, {"message": "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."}, ProviderQuota),
        (402, {"message": "Insufficient Balance"}, ProviderQuota),
        (402, {"message": "This request requires more credits, or fewer max_tokens. You can only afford 1234."}, ProviderQuota),
        (403, {"code": "AllocationQuota.FreeTierOnly", "message": "The free tier of the model has been exhausted."}, ProviderQuota),
        (412, {"message": "Account suspended, possibly due to reaching the monthly spending limit"}, ProviderQuota),
        (429, {"message": "You exceeded your current quota, please check your plan and billing details. Please retry in 34s.", "status": "RESOURCE_EXHAUSTED"}, RateLimited),
        (429, {"code": "insufficient_quota", "message": "Allocated quota exceeded, please increase your quota limit."}, RateLimited),
        (429, {"message": "Requests rate limit exceeded, please try again later.", "code": "limit_requests"}, RateLimited),
        (429, {"message": "You are using a Trial key, which is limited to 10 API calls / minute."}, RateLimited),
        (429, {"code": "1305", "message": "当前模型请求过多"}, RateLimited),
        (498, {"message": "Flex tier capacity exceeded", "code": "capacity_exceeded"}, ModelTransient),
        (400, {"message": "Failed to call a function. Please adjust your prompt.", "code": "tool_use_failed"}, MalformedReply),
    ],
)  # fmt: skip
def test_a_used_up_quota_differs_from_a_rate_limit(
    status: int, problem: dict[str, str], error: type[ModelError]
) -> None:
    assert type(from_status("m", status, {}, json.dumps({"error": problem}).encode())) is error


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (400, {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}),
        (400, {"message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."}),
        (400, {"message": "filtered", "innererror": {"content_filter_result": {"hate": {"filtered": False}, "violence": {"filtered": True}}}}),
        (400, {"message": "Output blocked by content filtering policy"}),
        (400, {"message": "Invalid prompt: your prompt was flagged as potentially violating our usage policy.", "code": "invalid_prompt"}),
        (400, {"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}),
        (400, {"message": "Content Exists Risk"}),
        (400, {"message": "The request was rejected because it was considered high risk", "type": "content_filter"}),
        (400, {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}),
        (403, {"message": "Your chosen model requires moderation", "metadata": {"reasons": ["violence"], "flagged_input": "…"}}),
    ],
)  # fmt: skip
def test_a_content_filter_is_known_by_each_providers_words(status: int, problem: dict[str, object]) -> None:
    assert type(from_status("m", status, {}, json.dumps({"error": problem}).encode())) is ContentFiltered


@pytest.mark.parametrize(
    ("status", "body", "account"),
    [
        (401, b'{"error":{"message":"Incorrect API key provided: sk-x","code":"invalid_api_key"}}', True),
        (401, b'{"detail":"Unauthorized"}', True),
        (401, b"", True),
        (400, b'{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}', True),
        (400, b'{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***."}', True),
        (403, b'{"error":{"message":"The API key has been revoked."}}', True),
        (402, b'{"error":{"message":"Insufficient Balance"}}', True),
        (403, b'{"error":{"message":"Project `p` does not have access to model `gpt-5`","code":"model_not_found"}}', False),
        (404, b'{"error":{"message":"The model `x` does not exist"}}', False),
        (400, b'{"error":{"message":"messages: at least one message is required"}}', False),
    ],
)  # fmt: skip
def test_a_refused_key_or_account_differs_from_a_refused_request(
    status: int, body: bytes, account: bool
) -> None:
    error = from_status("m", status, {}, body)
    assert isinstance(error, ModelRejected)
    assert error.account is account
