"""What a scripted model knows of a request; parsed only as far as the script asks."""

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

    ``number`` counts the server's model requests from 1; ``body`` is as it came; ``at`` is when,
    in seconds since 1970, and ``monotonic`` the same by ``time.monotonic``.
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
        """The format that the path asks for."""
        return "anthropic" if self.path.endswith("/messages") else "openai"

    @cached_property
    def headers(self) -> dict[str, str]:
        """Headers by name in lower case."""
        pairs = (line.split(":", 1) for line in self._head.decode("latin-1").split("\r\n")[1:] if ":" in line)
        return {name.strip().lower(): value.strip() for name, value in pairs}

    @cached_property
    def results(self) -> int:
        """How many tool results the conversation holds so far."""
        name, value = _RESULT[self.wire]
        # Twice a plain search is faster than one with a pattern, and prompts are long.
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
        """The beginning of the first user message: what tells conversations apart."""
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
    """What is kept of a request.

    Attributes:
        number: Its number, from 1.
        path: Where it went.
        conversation: The beginning of its first user message.
        results: How many tool results it held.
        size: Its body in bytes.
        body: The body; empty if it was large or is long past.
        at: When it came, in seconds since 1970.
        monotonic: The same by ``time.monotonic``, which no clock change affects.
        fault: The name of the fault it was answered with, if it was.
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
