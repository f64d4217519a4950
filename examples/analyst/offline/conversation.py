"""The offline analyst as a model: from a request to the reply."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from holdfast.testing import Call, Reply, Request, unframed

from .analysis import analyse
from .findings import WHO
from .program import Ask, reply

PACE = 0.03
"""Seconds between the pieces of text, so that people see it come; less where it would take too long."""

_PIECE = 16  # characters of text or arguments that the scripted model sends at once
_LONGEST = 2.0  # seconds for one reply; a report is long

DELAY = 0.3
"""Seconds before the answer begins, as a model thinks."""


def make_script(*, pace: float = PACE, delay: float = DELAY) -> Callable[[Request], Reply]:
    """A script for ScriptedModel, in OpenAI form."""

    def script(request: Request) -> Reply:
        question, results = read(request.messages)
        try:
            asked = reply(analyse(question), results)
        except Exception as error:  # noqa: BLE001 -- an odd file must end in an answer, not in retries
            asked = Ask(f"The rules do not cover this file: {type(error).__name__}. (I am {WHO}.)", ())
        calls = tuple(
            Call(name, arguments, id=f"call_{len(results)}_{i}")
            for i, (name, arguments) in enumerate(asked.calls)
        )
        pieces = (len(asked.say) + sum(len(json.dumps(given)) for _, given in asked.calls)) / _PIECE
        return Reply(text=asked.say, calls=calls).but(pace=min(pace, _LONGEST / max(pieces, 1)), delay=delay)

    return script


script = make_script()
"""Served by ``python -m holdfast.testing.model --script examples.analyst.offline:script``."""


def read(messages: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """The question under way and the results since it was last put.

    A message that comes while the analyst works starts the analysis again, with its words
    added to the question.
    """
    questions: list[str] = []
    results: list[str] = []
    for message in messages:
        role, text = message.get("role"), _text(message.get("content"))
        if role == "user":
            questions.append(text)
            results = []
        elif role == "tool":
            results.append(unframed(text))
        elif role == "assistant" and not message.get("tool_calls"):
            questions, results = [], []
    return " ".join(questions), results


def _text(content: Any) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    return "".join(str(part.get("text", "")) for part in content)
