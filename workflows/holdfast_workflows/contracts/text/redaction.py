"""Replace secrets in text by ``[redacted:KIND]``: values that this process knows, and what looks like a secret.

Every room uses these functions on its way out: results before they are stored, errors, log lines, failures, spans.
Workflow code does not, since another process knows other values and a replay would see another text.

What is redacted once stays so: a second pass changes nothing.
"""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from .known_secrets import KNOWN, MARK
from .secret_shapes import HEADERS, MESSAGES, SECRET_NAME, TEXTS, TOKENS, Shape

_RUN: Final = re.compile(r"[A-Za-z0-9_\-+/=.~%]{12,}")
"""A run of the characters that tokens and encoded values are made of; most texts have few."""

_SHORTEST: Final = 6

learn = KNOWN.learn
forget = KNOWN.forget


def redact(text: str) -> str:
    """Replace known values and the shapes of secrets: in tool results, progress, memories, log lines."""
    return _redacted(text, (HEADERS,))


def redact_error(text: str, secret: str = "") -> str:
    """Replace also what only looks like a part of a key, as errors repeat it; and ``secret``."""
    if secret:
        text = text.replace(secret, MARK.format("secret"))
    return _redacted(text, (HEADERS, MESSAGES))


def redact_known(text: str, *, grows: bool = False) -> str:
    """Replace known values only: in messages, replies and arguments, where a user's own tokens are kept.

    If the text ``grows``, the beginning of a value at its end is left out.
    """
    if grows:
        text = KNOWN.without_begun(text)
    return KNOWN.replace(text, _RUN.findall(text)) if len(text) >= _SHORTEST else text


def redact_value(value: Any) -> Any:
    """Apply ``redact`` to the texts in JSON data, a log record's fields or a span's attributes.

    A password is also known by the name of its field.
    """
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        fields: Mapping[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]  # any JSON
        return {
            redact_value(key): MARK.format("password") if _is_password(key, item) else redact_value(item)
            for key, item in fields.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        items: Iterable[Any] = value  # pyright: ignore[reportUnknownVariableType]  # any JSON
        return [redact_value(item) for item in items]  # pyright: ignore[reportUnknownVariableType]  # the same
    return value


def _is_password(name: object, value: object) -> bool:
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and bool(value)
        and SECRET_NAME.pattern.search(name) is not None
    )


def _redacted(text: str, groups: tuple[tuple[Shape, ...], ...]) -> str:
    if len(text) < _SHORTEST:
        return text
    runs = _RUN.findall(text)
    text = KNOWN.replace(text, runs)
    if runs:
        text = _replaced(text, TOKENS, "\n".join(runs))
    text = _replaced(text, TEXTS, text)
    lower = text.lower()
    for shapes in groups:
        text = _replaced(text, shapes, lower)
    return text


def _replaced(text: str, shapes: tuple[Shape, ...], searched: str) -> str:
    for shape in shapes:
        for hint in shape.hints:
            if hint in searched:
                text = shape.pattern.sub(partial(_mark, kind=shape.kind), text)
                break
    return text


def _mark(found: re.Match[str], kind: str) -> str:
    mark = MARK.format(kind)
    secret = found.groupdict().get("secret")
    if secret is None:
        return mark
    start, stop = found.span("secret")
    begin = found.start()
    return found[0][: start - begin] + mark + found[0][stop - begin :]
