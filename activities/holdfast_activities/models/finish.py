"""The meaning of a provider's finish reason."""

import re
from typing import Any

from holdfast_workflows.contracts.errors import ModelTransient
from holdfast_workflows.contracts.session.entries import Finish

from .errors import errors
from .errors.body import is_object

_STOP = (
    "stop stop_sequence stop_token end end_turn end_of_turn eos eos_token eos_found eod complete completed "
    "done finished normal tool_call tool_calls tool_use function_call function_calls"
)
_LENGTH = (
    "length max_length max_len model_length max_tokens max_output_tokens max_new_tokens max_completion_tokens "
    "token_limit length_limit max_context context_length context_length_exceeded "
    "model_context_window_exceeded error_limit"
)
_FILTER = (
    "content_filter content_filtered guardrail_intervened safety image_safety recitation blocklist "
    "prohibited_content image_prohibited_content spii sensitive error_toxic content_policy_violation moderation"
)
_MEANINGS: dict[str, Finish] = {
    **dict.fromkeys(_STOP.split(), "stop"),
    **dict.fromkeys(_LENGTH.split(), "length"),
    **dict.fromkeys(_FILTER.split(), "content_filter"),
    "refusal": "refusal",
    "refused": "refusal",
}
# Some servers send one of these in every event of a reply that goes on.
_NOT_YET = ("", "null", "none", "not_finished", "unspecified")
_PREFIX = re.compile(r"^(?:.*\.)?(?:finish_reason_|stop_reason_|reason_)?")
_CUT_SHORT = re.compile(
    r"(?:max_)?(?:(?:output|new|completion|context)_)?(?:tokens?|length)(?:_limit)?_(?:reached|exceeded|limit)"
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def reason(given: Any) -> str:
    """A finish reason in one spelling (``EOS`` and ``eosFound`` as ``eos`` and ``eos_found``); empty if missing."""
    if is_object(given):
        given = given.get("type")
    word = "" if given is None else str(given)[:200].strip()
    word = _HUMP.sub("_", word).lower().replace("-", "_").replace(" ", "_")
    word = _PREFIX.sub("", word)
    head = word.partition(":")[0]  # Google: "content_filter: PROHIBITED_CONTENT"
    word = head if head in _MEANINGS else word
    return "" if word in _NOT_YET else word


def known(word: str) -> Finish | None:
    """The meaning of a word from ``reason``; None if it is unknown."""
    return _MEANINGS.get(word) or ("length" if _CUT_SHORT.fullmatch(word) else None)


def meaning(name: str, word: str) -> Finish:
    """How a reply ended; a whole reply without a reason ended normally.

    Raises:
        ModelTransient: The reason is unknown, so the reply may have broken off.
    """
    found = known(word or "stop")
    if found is None:
        raise ModelTransient(f"{name}: the reply broke off with the finish reason {errors.sanitise(word)!r}")
    return found
