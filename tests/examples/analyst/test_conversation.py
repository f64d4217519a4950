"""The offline analyst as a model, asked over HTTP as a provider is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from examples.analyst.app import QUESTION, SAMPLE
from examples.analyst.offline import make_script
from examples.analyst.offline.conversation import read
from holdfast.testing import ScriptedModel

from .driving import MAX_STEPS, drive, toolbox, use

Messages = list[dict[str, Any]]


async def converse(url: str, question: str, reports: Path) -> Messages:
    """A turn as a worker runs it: ask, call the tools, ask again."""
    tools = toolbox(SAMPLE, reports)
    messages: Messages = [{"role": "system", "content": "…"}, {"role": "user", "content": question}]
    async with httpx.AsyncClient(base_url=url, timeout=20) as http:
        for _ in range(MAX_STEPS):
            answer = await http.post(
                "/chat/completions", json={"model": "offline-analyst", "messages": messages}
            )
            message = answer.raise_for_status().json()["choices"][0]["message"]
            messages.append(message)
            if not message.get("tool_calls"):
                break
            for call in message["tool_calls"]:
                result = await use(
                    tools, call["function"]["name"], **json.loads(call["function"]["arguments"])
                )
                content = result if isinstance(result, str) else json.dumps(result)
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
    return messages


async def test_over_http_it_does_what_the_program_does(tmp_path: Path) -> None:
    async with ScriptedModel(make_script(pace=0, delay=0)) as model:
        messages = await converse(model.openai_url, QUESTION, tmp_path / "http")
    direct = await drive(QUESTION, SAMPLE, tmp_path / "direct")
    assert messages[-1]["content"] == direct.answer
    ids = [call["id"] for message in messages for call in message.get("tool_calls") or ()]
    assert len(ids) == len(set(ids)) == len(direct.called)


def test_a_second_question_is_answered_from_its_own_results() -> None:
    messages: Messages = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "…", "tool_calls": [{}]},
        {"role": "tool", "content": "old"},
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": [{"type": "text", "text": "second"}]},
        {"role": "assistant", "content": None, "tool_calls": [{}]},
        {"role": "tool", "content": "new"},
    ]
    assert read(messages) == ("second", ["new"])


def test_a_message_in_the_middle_starts_again_with_its_words_added() -> None:
    messages: Messages = [
        {"role": "user", "content": "Which continent grew?"},
        {"role": "assistant", "content": "…", "tool_calls": [{}]},
        {"role": "tool", "content": "result"},
        {"role": "user", "content": "I mean population."},
    ]
    assert read(messages) == ("Which continent grew? I mean population.", [])
