"""Reading the body of an error, in the shape of any provider."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeGuard

from . import waits as error_waits

_MAX_DEPTH = 8
_ONLY_ERRORS = ("detail", "errors", "error_msg", "error_message", "fault")  # never in a reply
_EVENTS = ("message", "content_block_", "ping")  # Anthropic's events that are not errors
_READ = 8_000  # characters of an error that are searched
_MAX_WORDS = 40  # texts that are taken from one body
_CODES = "code type __type status error_type error_code status_code statuscode reason"
_WORDS = (
    "message msg error errors detail details error_msg error_message errormessage status_msg description "
    "error_description faultstring fault title raw metadata headers innererror base_resp violations quotaid"
)
# The request is not searched: users also write about long prompts and keys.


@dataclass
class ErrorContent:
    """The content of an error: its texts, its codes and types in order, and the seconds to wait."""

    texts: list[str] = field(default_factory=list[str])
    codes: list[str] = field(default_factory=list[str])
    waits: list[float] = field(default_factory=list[float])
    filtered: bool = False

    @cached_property
    def words(self) -> str:
        """The texts on one line, cut to what is searched."""
        return " ".join(dict.fromkeys(self.texts[:_MAX_WORDS]))[:_READ]

    @property
    def wait(self) -> float | None:
        """Seconds to wait, from a field or else from the words."""
        return self.waits[0] if self.waits else error_waits.in_words(self.words)


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether parsed JSON is an object."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether parsed JSON is a list."""
    return isinstance(value, list)


def problem_in(answer: dict[str, Any]) -> Any:
    """The part of a parsed answer, or of an event of a stream, that describes an error; None if it is not an error."""
    if str(answer.get("type")).startswith(_EVENTS):
        return None
    choices: Any = answer.get("choices")
    base: Any = answer.get("base_resp")
    if _has_content(answer.get("error") or answer.get("Error")):
        return answer
    if choices and is_list(choices):
        return _of_choices(choices)
    # An empty list of choices is the event with the usage.
    if "content" in answer or ("choices" in answer and answer.get("usage")):
        return None
    is_error = (
        "error" in (answer.get("object"), answer.get("type"), answer.get("status"))
        or any(answer.get(key) for key in _ONLY_ERRORS)
        or any(isinstance(answer.get(key), str) for key in ("message", "msg"))
        or (is_object(base) and base.get("status_code"))
    )
    return answer if is_error else None


def _of_choices(choices: list[Any]) -> Any:
    found = (choice.get("error") for choice in choices if is_object(choice))
    return next((error for error in found if _has_content(error)), None)


def _has_content(error: Any) -> bool:
    """Whether it is more than an empty object, which some servers put into every answer."""
    return any(error.values()) if is_object(error) else bool(error)


def read(problem: Any) -> ErrorContent:
    """Read a body or a part of one, parsed or as text."""
    content = ErrorContent()
    _gather(problem, content, _MAX_DEPTH)
    return content


def parsed(body: bytes) -> Any:
    """The body as JSON, or else as text."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")


def _gather(value: Any, content: ErrorContent, depth: int) -> None:
    if not depth or value is None or isinstance(value, bool):
        return
    if is_object(value):
        _gather_object(value, content, depth)
    elif is_list(value):
        for part in value[:_MAX_WORDS]:
            _gather(part, content, depth - 1)
    elif isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        # The error of the server behind this one.
        inner = parsed(value.encode("utf-8", "replace"))
        if isinstance(inner, str):
            content.texts.append(inner)
        else:
            _gather(inner, content, depth - 1)
    elif str(value).strip():
        content.texts.append(str(value))


def _gather_object(value: dict[str, Any], content: ErrorContent, depth: int) -> None:
    keyed = {key.lower(): part for key, part in value.items()}
    for name, part in keyed.items():
        if (seconds := error_waits.of_field(name, part)) is not None:
            content.waits.append(seconds)
    # OpenRouter and Azure report a content filter so.
    if keyed.get("flagged_input") or _is_filtered(keyed.get("content_filter_result")):
        content.filtered = True
    for name in _CODES.split():
        part = keyed.get(name)
        if isinstance(part, str | int) and not isinstance(part, bool) and part not in ("", "error"):
            content.codes.append(str(part))
            content.texts.append(str(part))
    loc = keyed.get("loc")
    if is_list(loc) and "msg" in keyed:
        where = ".".join(str(part) for part in loc)
        content.texts.append(f"{where}: {keyed['msg']}")
        return
    for name in _WORDS.split():
        if name in keyed:
            _gather(keyed[name], content, depth - 1)


def _is_filtered(results: Any) -> bool:
    kinds = results.values() if is_object(results) else ()
    return any(is_object(kind) and kind.get("filtered") is True for kind in kinds)
