"""Classifying errors by their words, since few providers give a precise code."""

import re

_CAP = r"max(?:imum)?[_ ]?(?:completion|output|new|generated|response)?[_ ]?tokens?\b"
_PROMPT_CODES = re.compile(
    r"(?i)context_?length_?exceeded|exceed_context_size|context_?window_?exceeded|max_prompt_tokens_exceeded|"
    r"tokens_limit_reached|request_too_large|prompt_too_long|input_too_long|\b1261\b"
)
# A parameter that is reported as too long. Only these are the prompt; ids and names inside it are not.
_NAMED = re.compile(
    r"(?i)invalid (?:parameter |value for )?['\"`]([\w.\[\]]+)['\"`]?:?[^.]{0,20} too (?:long|large|many)|"
    r"#/([\w/]+): expected maxlength"
)
_PROMPT_PARAMETER = re.compile(
    r"(?:messages|input|prompt|contents?|system|instructions|inputtext|texts)[/.]?(?:\[?\d{1,12}\]?)?(?:[/.]content)?(?:[/.]?\[?\d{1,12}\]?)?(?:[/.]text)?"
)
# If both sizes are given, the larger one is the cause: a smaller prompt helps only if it is the prompt.
_SIZES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<prompt>\d{1,12}) (?:tokens )?(?:in (?:the|your) (?:messages|prompt)|of text input)\D+(?:\d{1,12} of tool input\D+)?(?P<reply>\d{1,12}) (?:tokens )?(?:in|for) the (?:completion|output|response)",
        r"exceeds? (?:the )?context (?:limit|window|length): (?P<prompt>\d{1,12}) \+ (?P<reply>\d{1,12})",
        r"has (?P<prompt>\d{1,12}) input tokens \((?P<reply>\d{1,12}) > \d{1,12} - \d{1,12}\)",
        r"passed (?P<prompt>\d{1,12}) input tokens and requested (?P<reply>\d{1,12}) output tokens",
        r"(?P<prompt>\d{1,12}) tokens from the (?:input )?(?:messages|prompt) and (?P<reply>\d{1,12}) tokens for the completion",
        r"given: (?P<prompt>\d{1,12}) `?inputs`? tokens and (?P<reply>\d{1,12}) `?max_new_tokens",
    )
)
_NO_ROOM = re.compile(rf"(?i){_CAP}[^.]{{0,20}} must be at least 1, got -\d")
_OUTRIGHT = re.compile(r"(?i)\b(?:prompt|input|conversation) is too long")
_SOMETHING_ELSE = re.compile(
    rf"(?i)(?:invalid|value (?:for|of)|unsupported|lower|range of)\W{{0,3}}{_CAP}|"
    rf"{_CAP}['\"`]?(?: or ['\"`]?{_CAP}['\"`]?)?(?:\s*[(=:]?\s*\d{{1,12}}\)?)?\s*(?:[:>=]|(?:is|are|must|should|cannot|can't|may|"
    r"value|you (?:requested|provided|set)|exceeds?|too|larger|greater|has to|needs? to|out of)\b)|"
    r"at most \d{1,12} (?:completion|output) tokens|maximum (?:allowed )?number of output tokens|"
    r"(?<!or )(?:output|completion|generated|response|thinking|reasoning|budget)[ _]tokens?[^.;]{0,40}"
    r"(?:exceed|too|greater|larger|must|should)|exceeds?[^.;]{0,40} (?:output|completion) (?:tokens?|length|limit)|"
    r"(?:too many|number of|more than \d{1,12}|at most \d{1,12}|maximum of \d{1,12}|up to \d{1,12}) (?:tools?|functions?|function declarations|"
    r"tool definitions|images?|documents?|files?|stop sequences|choices|enum values|properties)\b|"
    r"\b(?:tools?|functions?)\b['\"`]?[^;]{0,60}(?:too (?:long|large|many)|at most|maximum|exceed)|"
    r"\b(?:names?|descriptions?|identifiers?|ids?|headers?|cookies?|ur[li]s?|metadata|stop|schema|"
    r"grammar|seed|key|temperature)\b['\"`]?[^.;]{0,40}(?:too (?:long|large|complex)|at most|exceed)|"
    r"['\"`]user['\"`][^.;]{0,20}too long|\b(?:image|file|audio|video)s?['\"`]? (?:is|are|exceeds?|too)\b"
)
_PROMPT = re.compile(
    r"(?i)context (?:length|window|size|limit)[^.]{0,80}\b(?:exceed|overflow|not enough|too (?:small|short)|reached)|"
    r"(?:exceed\w*|longer than|larger than|greater than|too (?:long|large|big)|overflow\w*)[^.]{0,80}"
    r"(?:context|max(?:imum)? (?:(?:model|allowed|input|sequence|prompt) )*length|max_\w*len|model's (?:input|limit))|"
    r"longer than (?:the )?(?:max\w*|limit)|over (?:the )?(?:token )?limit of \d|"
    r"exceed\w* (?:the )?(?:max(?:imum)? )?(?:context|token|input|prompt)[^.;]{0,30}(?:limit|length|size|window|count)|"
    r"tokens (?:in|of) (?:the |your )?(?:prompt|input|request|messages)\b[^.;]{0,20} (?:exceed|more than|over|above)|"
    r"context the overflows|context overflow|"
    r"maximum (?:context|prompt|input|sequence)(?: length| size| window)? (?:is|of)\D{0,4}\d|maximum length (?:is|of) \d{1,12} tokens|"
    r"(?:prompt|inputs?|messages?|conversation|request(?! rate)|body|payload|text|contents?|history|entity)\b"
    r"[^.;]{0,60}?(?<!took )\btoo (?:long|large|big|many tokens)\b(?! to\b)|"
    r"(?:prompt|inputs?|messages?|conversation|request(?! rate)|token count|tokens)\b[^;]{0,60}?\bexceed"
    r"[^.;]{0,80}(?:token|length|context|window|size|limit(?: of|:)? ?\d|"
    r"max\w*\W{0,3}\d|max_\w*len|characters)|"
    r"\btokens? (?:limit|count)[^.;]{0,20} exceeded|"
    r"too many (?:input |prompt )?tokens(?!, please wait)|range of input length should be|"
    r"reduce (?:the |your )?(?:(?:length|size|number of tokens)[^.]{0,12} )?(?:the |your )?"
    r"(?:input |prompt |text )*(?:messages?|prompts?|inputs?|conversation|token count)\b|"
    r"shorter (?:prompt|input|message)|shorten(?:ing)? (?:your|the) (?:prompt|input|message|conversation)|"
    r"(?:prompt|input)[^.;]{0,30} (?:has|contains|is) \d[\d,]* (?:tokens)?,? ?but\b|"
    r"token count is \d{1,12} but|length is \d{1,12} while limit is|inputs?\W{1,3}must have less than \d{1,12} tokens|"
    r"prompt ?超长|输入(?:内容|文本)?(?:的?长度)?(?:过长|超长|超过|超出)|上下文(?:长度)?(?:超|过长)"
)
_ALONE = re.compile(
    r"(?i)request (?:body |is )?too (?:large|long)|tokens must be reduced|reduce your message size|"
    r"usage is required for long context"
)
_OVER = re.compile(r"(?i)\blimit:? (\d{1,12})(?:, used:? \d{1,12})?, requested:? (\d{1,12})")

_FILTERED = re.compile(
    r"(?i)content.?filter|responsible.?ai|content management policy|data_?inspection_?failed|inappropriate content|"
    r"content exists risk|considered high risk|(?:unsafe|sensitive)[^.]{0,20} (?:content|words?)|prohibited_content|"
    r"content_?policy|usage polic(?:y|ies)|flagged (?:as|by|for)|blocked (?:by|due to) [^.]{0,30}(?:safety|filter|polic|guardrail)|"
    r"safety (?:system|filters?)|moderation (?:failed|blocked|flagged)|requires moderation|\b1301\b|敏感内容|内容安全"
)
# Only words that never mean a rate limit: some providers call a limit per minute a quota.
_UNPAID = re.compile(
    r"(?i)insufficient[_ ](?:\w+[_ ])?(?:quota|credits?|balance|funds)|billing_(?:hard_limit|not_active|error)|"
    r"credit balance is too low|(?:out of|no|more|all available) credits|payment required|exceeded_current_quota|"
    r"spending limit|\barrear|free tier of the model has been exhausted|included credits|"
    r"specified api usage limits|account is suspended|suspended due to|quota exceeded[^;]{0,200}limit: 0\b|"
    r"\b1113\b|余额不足|欠费"
)
_BAD_KEY = re.compile(
    r"(?i)api[ _-]?key[^.]{0,20}(?:not valid|invalid|incorrect|expired|revoked|not found|disabled|missing|required)|"
    r"(?:invalid|incorrect|wrong|expired|revoked|missing|no) (?:x-)?api[ _-]?key|invalid_api_key|"
    r"authentication[ _](?:error|fail)|invalid (?:authentication|credential|x-api-key|subscription key)|"
    r"\bunauth(?:orized|enticated)\b|user not found|no auth credentials|"
    r"(?:access )?token[^.]{0,20}(?:is )?(?:invalid|expired|missing)|key (?:has been|was|is) (?:disabled|revoked|deleted)"
)
_RATE = re.compile(r"(?i)rate[ _-]?limit|too many requests|throttl|resource[ _]exhausted|请求过多|并发")
_NOT_THERE = re.compile(
    r"(?i)(?:model|deployment)\b[^.]{0,60}(?:not found|does not exist|not supported)|no such model"
)
_BAD_CALL = re.compile(
    r"(?i)tool_use_failed|json_validate_failed|failed_generation|failed to call a function"
)


def too_long(words: str) -> bool:
    """Whether the prompt is too long, and not another part of the request."""
    if named := _NAMED.search(words):
        return bool(_PROMPT_PARAMETER.fullmatch((named[1] or named[2]).lower()))
    for sizes in _SIZES:
        if found := sizes.search(words):
            return int(found["prompt"]) >= int(found["reply"])
    # The second pattern: a negative rest of the window.
    if _OUTRIGHT.search(words) or _NO_ROOM.search(words):
        return True
    if something_else(words):
        return False
    return bool(_PROMPT_CODES.search(words) or _PROMPT.search(words))


def something_else(words: str) -> bool:
    """Whether another parameter is too large, such as max_tokens, the tools or a name."""
    return bool(_SOMETHING_ELSE.search(words))


def alone_over_the_limit(words: str) -> bool:
    """Whether the request alone exceeds a rate limit, so that only a smaller one helps."""
    if found := _OVER.search(words):
        return int(found[2]) > int(found[1])
    return bool(_ALONE.search(words) or _PROMPT_CODES.search(words))


def fits(words: str) -> float | None:
    """The part of the request that a rate limit has room for, if both numbers are given."""
    found = _OVER.search(words)
    return int(found[1]) / int(found[2]) if found and int(found[2]) else None


def filtered(words: str) -> bool:
    """Whether a content filter stopped the request."""
    return bool(_FILTERED.search(words))


def unpaid(words: str) -> bool:
    """Whether the account has no quota or credit left."""
    return bool(_UNPAID.search(words)) and "allocated quota exceeded" not in words.lower()


def bad_key(words: str) -> bool:
    """Whether the key is invalid."""
    return bool(_BAD_KEY.search(words))


def bad_call(words: str) -> bool:
    """Whether the provider could not read the model's own call or JSON; a retry may help."""
    return bool(_BAD_CALL.search(words))


def status(words: str) -> int:
    """The status that the words alone imply."""
    if bad_key(words):
        return 401
    if _RATE.search(words):
        return 429
    return 404 if _NOT_THERE.search(words) else 500
