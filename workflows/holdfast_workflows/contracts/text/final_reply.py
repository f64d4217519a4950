"""Final replies in JSON, which models often wrap in thoughts or a markdown fence."""

import json
import math
import re
from itertools import islice
from typing import Any, cast

from .decimals import Digits
from .model_json import refuse_constant

_MOST_THOUGHTS = 5
_LANGUAGE = re.compile(r"[\w+.-]*\s")
_THOUGHTS = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)


def bare(text: str) -> str:
    """Return the JSON of a final reply, without thoughts before it and one markdown fence around it."""
    rest = text.removeprefix("\ufeff")
    if _is_json(rest):
        return rest
    after_thoughts = (rest[thought.end() :] for thought in islice(_THOUGHTS.finditer(rest), _MOST_THOUGHTS))
    candidates = map(_within_fence, (*after_thoughts, rest))
    return next(filter(_is_json, candidates), text)


def _within_fence(text: str) -> str:
    text = text.strip()
    for mark in ("`", "~"):
        fence = mark * (len(text) - len(text.lstrip(mark)))
        if len(fence) >= 3 and text.endswith(fence):
            inside = text[len(fence) : -len(fence)]
            language = _LANGUAGE.match(inside)
            return (inside[language.end() :] if language else inside).strip()
    return text


def _is_json(text: str) -> bool:
    try:
        output(text)
    except (ValueError, RecursionError):
        return False
    return True


def output(text: str) -> Any:
    """Parse a final reply.

    Raises:
        ValueError: It is not JSON.
        RecursionError: It is nested too deeply.
    """
    return json.loads(text, parse_constant=refuse_constant, parse_float=_finite)


def dump(value: Any) -> str:
    """Return the JSON text of a value from ``output``; numbers keep the digits they were written with."""
    if isinstance(value, Digits):
        return value.written
    if isinstance(value, list):
        return f"[{', '.join(map(dump, cast('list[object]', value)))}]"
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        return f"{{{', '.join(f'{json.dumps(key, ensure_ascii=False)}: {dump(part)}' for key, part in members)}}}"
    return json.dumps(value, ensure_ascii=False)


def _finite(text: str) -> Digits:
    value = Digits.read(text)
    if math.isinf(value):
        raise ValueError(f"{text[:20]} is too large a number")
    return value
