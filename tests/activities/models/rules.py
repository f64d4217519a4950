"""What each wire accepts, checked as its servers check it and by nothing of the code that builds requests.

Each function gives the reason a server would give for refusing a request; an empty text if it would not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
ANTHROPIC_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def openai(
    body: Any,
    *,
    id: re.Pattern[str] | None = None,
    reasoning: bool = False,
    answered: bool = False,
    alternating: bool = False,
) -> str:
    """Chat completions: OpenAI and the strictest of those that speak like it.

    Args:
        body: The request.
        id: What a call's id must be.
        reasoning: Whether each reply must have its reasoning.
        answered: Whether no user may speak right after a tool.
        alternating: Whether no user may speak right after a user.
    """
    pending: list[str] = []
    seen: set[str] = set()
    before = "start"
    for at, message in enumerate(body["messages"]):
        role = message["role"]
        problem = _order(role, before, at, answered=answered) or _content(message)
        if alternating and role == before == "user":
            problem = "Conversation roles must alternate"
        if role == "assistant" and reasoning and "reasoning_content" not in message:
            problem = "Missing reasoning_content"
        if role == "tool":
            problem = problem or _settle(message["tool_call_id"], pending)
        elif pending:
            problem = f"calls {pending} have no result"
        for call in message.get("tool_calls") or ():
            problem = problem or _call(call, seen, id)
            pending.append(call["id"])
            seen.add(call["id"])
        if problem:
            return f"{at}: {problem}"
        before = role
    return "" if not pending and before in ("user", "tool") else f"the last is {before}; {pending} wait"


def _order(role: str, before: str, at: int, *, answered: bool) -> str:
    if role == "system" and at:
        return "a system message that is not the first"
    if role == "assistant" and before in ("start", "system", "assistant"):
        return f"an assistant after {before}"
    if answered and role == "user" and before == "tool":
        return "Unexpected role 'user' after role 'tool'"
    return ""


def _content(message: Any) -> str:
    content = message["content"]
    if message.get("tool_calls"):
        return "" if content is None or content.strip() else "content is blank"
    return "" if isinstance(content, str) and content.strip() else "content is empty"


def _settle(id: str, pending: list[str]) -> str:
    if id not in pending:
        return f"a result {id!r} without its call"
    pending.remove(id)
    return ""


def _call(call: Any, seen: set[str], id: re.Pattern[str] | None) -> str:
    function = call["function"]
    if call["id"] in seen or not call["id"] or (id and not id.fullmatch(call["id"])):
        return f"id {call['id']!r}"
    if not NAME.fullmatch(function["name"]):
        return f"name {function['name']!r}"
    return "" if isinstance(json.loads(function["arguments"]), dict) else f"arguments {function}"


def anthropic(body: Any) -> str:
    """Messages, as Anthropic takes them."""
    return next(_anthropic(body), "")


def _anthropic(body: Any) -> Iterator[str]:
    for block in body.get("system", ()):
        if not block["text"].strip():
            yield "system: text content blocks must be non-empty"
    pending: list[str] = []
    seen: set[str] = set()
    before = "assistant"
    for at, message in enumerate(body["messages"]):
        role, blocks = message["role"], message["content"]
        if role == before:
            yield f"{at}: two messages of {role}" if at else "the first message is not a user's"
        if not blocks:
            yield f"{at}: no content"
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if sorted(results) != sorted(pending):
            yield f"{at}: results {results} for calls {pending}"
        if any(block["type"] == "tool_result" for block in blocks[len(results) :]):
            yield f"{at}: a result after other content"
        uses = [block for block in blocks if block["type"] == "tool_use"]
        yield from (f"{at}: {problem}" for block in blocks if (problem := _block(block, role)))
        pending = [block["id"] for block in uses]
        if len({*pending} - seen) < len(pending):
            yield f"{at}: `tool_use` ids must be unique: {pending}"
        seen.update(pending)
        before = role
    if before == "assistant" or pending:
        yield f"the conversation must end with a user message; {pending} wait"


def _block(block: Any, role: str) -> str:
    match block["type"]:
        case "text" if not block["text"].strip():
            return "text content blocks must contain non-whitespace text"
        case "thinking" if not (block.get("thinking") or block.get("signature")) or role == "user":
            return "each thinking block must contain thinking"
        case "tool_use" if not ANTHROPIC_ID.fullmatch(block["id"]):
            return f"tool_use.id: {block['id']!r}"
        case "tool_use" if not (NAME.fullmatch(block["name"]) and isinstance(block["input"], dict)):
            return f"tool_use: {block}"
        case "tool_result" if not (isinstance(block["content"], str) and block["content"].strip()):
            return "tool_result: empty"
        case _:
            return ""
