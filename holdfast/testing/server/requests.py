"""A request to the scripted model, parsed as far as the script needs."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

# Quotes inside JSON strings are escaped, so these can only match the structure around them.
_FIRST_USER = re.compile(
    rb'"role":\s*"user",\s*"content":\s*(?:\[\s*\{\s*"type":\s*"text",\s*"text":\s*)?"((?:[^"\\]|\\.){0,200})'
)
_RESULT = {"openai": (b"role", b"tool"), "anthropic": (b"type", b"tool_result")}

Wire = Literal["openai", "anthropic"]


def _true(body: bytes, name: bytes) -> bool:
    return b'"%b":true' % name in body or b'"%b": true' % name in body


class Request:
    """One request.

    ``number`` counts the server's model requests from 1. ``at`` is the arrival in seconds since
    1970, ``monotonic`` the same by ``time.monotonic``.
    """

    def __init__(self, number: int, path: str, head: bytes, body: bytes) -> None:
        """A request with its head unparsed."""
        self.number = number
        self.path = path
        self.body = body
        self.at = time.time()
        self.monotonic = time.monotonic()
        self._head = head

    @property
    def wire(self) -> Wire:
        """The wire format, by the path."""
        return "anthropic" if self.path.endswith("/messages") else "openai"

    @cached_property
    def headers(self) -> dict[str, str]:
        """Headers by name in lower case."""
        pairs = (line.split(":", 1) for line in self._head.decode("latin-1").split("\r\n")[1:] if ":" in line)
        return {name.strip().lower(): value.strip() for name, value in pairs}

    @cached_property
    def results(self) -> int:
        """The number of tool results in the conversation."""
        name, value = _RESULT[self.wire]
        # Two plain searches are faster than one pattern, and prompts are long.
        return self.body.count(b'"%b":"%b"' % (name, value)) + self.body.count(b'"%b": "%b"' % (name, value))

    @cached_property
    def stream(self) -> bool:
        """Whether the answer is to be streamed."""
        return _true(self.body, b"stream")

    @property
    def usage_wanted(self) -> bool:
        """Whether a stream in OpenAI form is to end with its usage."""
        return _true(self.body, b"include_usage")

    @cached_property
    def conversation(self) -> str:
        """The beginning of the first user message, which identifies the conversation."""
        found = _FIRST_USER.search(self.body)
        return found[1].decode("utf-8", "replace") if found else ""

    @cached_property
    def json(self) -> dict[str, Any]:
        """The whole body, parsed."""
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages as sent."""
        value: list[dict[str, Any]] = self.json.get("messages", [])
        return value

    @property
    def tools(self) -> list[str]:
        """The names of the tools offered."""
        return [
            tool["function"]["name"] if "function" in tool else tool["name"]
            for tool in self.json.get("tools", [])
        ]

    @property
    def model(self) -> str:
        """The model asked for."""
        return str(self.json.get("model", ""))


@dataclass(frozen=True, slots=True)
class Seen:
    """The record of a request; the first fields are those of ``Request``.

    ``size`` is that of the body in bytes. ``body`` is empty if it was large or is old. ``fault``
    is the name of the fault that was the answer, if any.
    """

    number: int
    path: str
    conversation: str
    results: int
    size: int
    body: bytes
    at: float
    monotonic: float
    fault: str = ""
