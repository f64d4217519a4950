"""What was said early in a session that has long outgrown its window is there when it is asked for."""

from __future__ import annotations

import random

import pytest

from holdfast import Agent, App, Memory, tool
from holdfast.testing import Reply, Request, TokenLimit, call, say

from ..conftest import Start

WINDOW = 8_000
INSTRUCTIONS = "You are the surveyor."
ROUNDS, FIELDS = 18, 54
FACT = "Remember for later: the code of the vault is 7391."
QUESTION = "What is the code of the vault?"
_WORDS = ("field", "barn", "river", "stone", "harvest", "seven", "1913", "orchard", "ditch", "fence", "mill")


@tool(inline=True)
async def survey(field: int) -> str:
    """Look at a field.

    Args:
        field: Its number.
    """
    return f"Field {field}: {' '.join(random.Random(field).choices(_WORDS, k=420))}"[:2_048]


class Surveyor:
    """Looks at fields for as long as a round goes on; otherwise it says a word."""

    def __init__(self) -> None:
        self.fields = 0

    def __call__(self, request: Request) -> Reply:
        """What comes next, by the last message of the user."""
        text = request.body.decode()
        if INSTRUCTIONS not in text:
            return say("Fields were surveyed.")  # a summary; nobody expects that it keeps everything
        if QUESTION in text:
            return say("It is 7391." if FACT in text else "I do not know.")
        if "Begin round" in text and self.fields % FIELDS < FIELDS - 1:
            self.fields += 1
            return call("survey", {"field": self.fields})
        self.fields += "Begin round" in text
        return say("Done.")


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("scopes", [("session",), ()], ids=["with memory", "without"])
async def test_a_fact_of_step_3_is_recalled_at_step_990(start: Start, scopes: tuple[str, ...]) -> None:
    memory = Memory(scopes=("session",), keep="session", facts=False) if scopes else None
    agent = Agent(
        "surveyor",
        model="openai:scripted",
        instructions=INSTRUCTIONS,
        tools=[survey],
        memory=memory,
        context_window=WINDOW,
        max_steps=100,
        max_inline_steps=60,
    )
    limit = TokenLimit(Surveyor(), WINDOW)

    async with start(limit, App(agents=[agent])) as it:
        session = await it.holdfast.client.start("surveyor", "Hello.")
        steps = (await session.wait(raise_on_error=False)).steps
        for text in ("Are you well?", FACT, *(f"Begin round {n}." for n in range(ROUNDS))):
            steps += (await session.send(text)).steps
        assert steps == 3 + ROUNDS * FIELDS
        answer = await session.send(QUESTION)
        assert answer.text == ("It is 7391." if scopes else "I do not know.")
        assert not limit.refused
