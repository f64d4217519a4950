"""What the body of an error says, in whatever shape a provider gives it."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from . import waits as error_waits

_DEEPEST = 8
_ONLY_ERRORS = ("detail", "errors", "error_msg", "error_message", "fault")  # what no reply has
_EVENTS = ("message", "content_block_", "ping")  # what is no error in Anthropic's form
_READ = 8_000  # characters of an error that are looked through
_MOST = 40  # words that are taken from one body
_CODES = (
    "code",
    "type",
    "__type",
    "status",
    "error_type",
    "error_code",
    "status_code",
    "statuscode",
    "reason",
)
_WORDS = (
    "message",
    "msg",
    "error",
    "errors",
    "detail",
    "details",
    "error_msg",
    "error_message",
    "errormessage",
    "status_msg",
    "description",
    "error_description",
    "faultstring",
    "fault",
    "title",
    "raw",
    "metadata",
    "headers",
    "innererror",
    "base_resp",
    "violations",
    "quotaid",
)
# What was asked is not looked through: users write of long prompts and of keys, too.


@dataclass(frozen=True, slots=True)
class Told:
    """What an error says: its words in one line, its codes and types in order, and the seconds to wait."""

    words: str
    codes: tuple[str, ...] = ()
    wait: float | None = None
    filtered: bool = False


@dataclass(slots=True)
class _Found:
    words: list[str] = field(default_factory=list[str])
    codes: list[str] = field(default_factory=list[str])
    waits: list[float] = field(default_factory=list[float])
    filtered: bool = False


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
    if _says_something(answer.get("error") or answer.get("Error")):
        return answer
    if choices and is_list(choices):
        return _of_choices(choices)
    # An empty list of choices is the event with the usage.
    if "content" in answer or ("choices" in answer and answer.get("usage")):
        return None
    says = (
        "error" in (answer.get("object"), answer.get("type"), answer.get("status"))
        or any(answer.get(key) for key in _ONLY_ERRORS)
        or any(isinstance(answer.get(key), str) for key in ("message", "msg"))
        or (is_object(base) and base.get("status_code"))
    )
    return answer if says else None


def _of_choices(choices: list[Any]) -> Any:
    found = (choice.get("error") for choice in choices if is_object(choice))
    return next((error for error in found if _says_something(error)), None)


def _says_something(error: Any) -> bool:
    """Whether it is more than an object that every answer has, with nothing in it."""
    return any(error.values()) if is_object(error) else bool(error)


def read(problem: Any) -> Told:
    """What a problem says.

    Args:
        problem: A body or a part of one, parsed or as text.
    """
    found = _Found()
    _gather(problem, found, _DEEPEST)
    words = " ".join(dict.fromkeys(found.words[:_MOST]))[:_READ]
    wait = found.waits[0] if found.waits else error_waits.in_words(words)
    return Told(words, tuple(dict.fromkeys(found.codes)), wait, found.filtered)


def parsed(body: bytes) -> Any:
    """The body as JSON, or as the text it is."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")


def _gather(value: Any, found: _Found, depth: int) -> None:
    if not depth or value is None or isinstance(value, bool):
        return
    if is_object(value):
        _gather_object(value, found, depth)
    elif is_list(value):
        for part in value[:_MOST]:
            _gather(part, found, depth - 1)
    elif isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        # An error of the server behind this one, as that one sent it.
        inner = parsed(value.encode("utf-8", "replace"))
        if isinstance(inner, str):
            found.words.append(inner)
        else:
            _gather(inner, found, depth - 1)
    elif str(value).strip():
        found.words.append(str(value))


def _gather_object(value: dict[str, Any], found: _Found, depth: int) -> None:
    keyed = {key.lower(): part for key, part in value.items()}
    for name, part in keyed.items():
        if (seconds := error_waits.of_field(name, part)) is not None:
            found.waits.append(seconds)
    # How OpenRouter and Azure tell that a filter was it.
    if keyed.get("flagged_input") or _caught(keyed.get("content_filter_result")):
        found.filtered = True
    for name in _CODES:
        part = keyed.get(name)
        if isinstance(part, str | int) and not isinstance(part, bool) and part not in ("", "error"):
            found.codes.append(str(part))
            found.words.append(str(part))
    loc = keyed.get("loc")
    if is_list(loc) and "msg" in keyed:
        where = ".".join(str(part) for part in loc)
        found.words.append(f"{where}: {keyed['msg']}")
        return
    for name in _WORDS:
        if name in keyed:
            _gather(keyed[name], found, depth - 1)


def _caught(results: Any) -> bool:
    kinds = results.values() if is_object(results) else ()
    return any(is_object(kind) and kind.get("filtered") is True for kind in kinds)


def status_told(codes: Iterable[str]) -> int | None:
    """A status in the field ``code``, as a number or a text."""
    return next((int(code) for code in codes if re.fullmatch("[45][0-9]{2}", code)), None)
